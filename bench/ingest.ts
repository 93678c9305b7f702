// Decode, encode and commit in one process, against a store in memory: what the function itself costs.
import pipeline from '../pipeline.js';
import { seededRandom, silentLogger, systemClock } from '../shared/base/index.js';
import { TableWriter } from '../shared/delta/index.js';
import {
  createEventDecoder,
  type EventBatch,
  quarantineSchema,
  readingSchema,
} from '../shared/events/index.js';
import { Ingestor } from '../shared/ingest/index.js';
import { createMemoryStore } from '../shared/storage/index.js';

const batchCount = 100;
const rounds = 5;

export async function benchIngest(write: (line: string) => void): Promise<void> {
  for (const eventsPerBatch of [256, 1_000]) {
    const rates: number[] = [];
    let commits = 0;
    for (let round = 0; round < rounds; round++) {
      const result = await ingestOnce(eventsPerBatch);
      rates.push((batchCount * eventsPerBatch) / result.seconds);
      commits = result.commitCount;
    }
    const median = rates.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
    write(
      `batches of ${eventsPerBatch}: ${Math.round(median).toLocaleString('en')} events/s through decode, Parquet and commit ` +
        `(${commits} commits of ${batchCount} batches of 4 partitions)`,
    );
  }
}

async function ingestOnce(eventsPerBatch: number): Promise<{ seconds: number; commitCount: number }> {
  const clock = systemClock;
  const random = seededRandom(1);
  const store = createMemoryStore(clock);
  const readings = new TableWriter({
    store,
    root: 'readings',
    schema: readingSchema(pipeline),
    clock,
    random,
  });
  const quarantine = new TableWriter({
    store,
    root: 'quarantine',
    schema: quarantineSchema(),
    clock,
    random,
  });
  const ingestor = new Ingestor({
    decoder: createEventDecoder(pipeline),
    readings,
    quarantine,
    clock,
    logger: silentLogger,
  });
  const batches = Array.from({ length: batchCount }, (_, index) => eventBatch(index, eventsPerBatch));
  await readings.snapshot();
  await quarantine.snapshot();

  const startMs = performance.now();
  for (let first = 0; first < batchCount; first += 4) {
    await Promise.all(batches.slice(first, first + 4).map((batch) => ingestor.ingest(batch)));
  }
  return { seconds: (performance.now() - startMs) / 1000, commitCount: readings.metrics.commitCount };
}

/** Batch `index` of partition `index % 4`; events of about 200 bytes, as the simulator sends them. */
function eventBatch(index: number, count: number): EventBatch {
  const firstSequence = Math.floor(index / 4) * count;
  const sequenceNumbers = Array.from({ length: count }, (_, offset) => firstSequence + offset);
  const startMs = Date.UTC(2026, 0, 1);
  return {
    source: pipeline.source.eventHub,
    partition: String(index % 4),
    bodies: sequenceNumbers.map((sequenceNumber) => body(sequenceNumber, startMs + sequenceNumber)),
    sequenceNumbers,
    enqueuedMs: sequenceNumbers.map((sequenceNumber) => startMs + sequenceNumber),
    systemProperties: sequenceNumbers.map(() => ({})),
    properties: sequenceNumbers.map(() => ({})),
  };
}

function body(sequenceNumber: number, timeMs: number): Uint8Array {
  const step = sequenceNumber % 1_000;
  return Buffer.from(
    JSON.stringify({
      deviceId: `device_${step % 500}`,
      ts: new Date(timeMs).toISOString(),
      temperature: 20 + step / 100,
      humidity: 40 + step / 50,
      pressure: 1_000 + step / 40,
      battery: 100 - step / 20,
      lat: 49.2827 + step / 10_000,
      lon: -123.1207 - step / 10_000,
      status: step % 50 === 0 ? 'WARN' : 'OK',
    }),
  );
}
