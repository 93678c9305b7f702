// Shards without a Durable backend: each operation from JSON to JSON, as an entity runs it.
import { definePipeline, type Pipeline, type PipelineDefinition } from '../../shared/pipeline/index.js';
import {
  decodeAlertRow,
  decodeFailedRow,
  decodeLateRow,
  decodeWindowRow,
  planShards,
  type SealedBatch,
  type SealInput,
  type ShardPlan,
  ShardSession,
  type ShardSignal,
  type ShardSummary,
} from '../../shared/shards/index.js';

export const minuteMs = 60_000;
export const startMs = Date.UTC(2026, 0, 1, 12);

/** Windows of a minute, half a minute of lateness; alerts above 30 and 35 degrees. */
export function shardPipeline(changes: Partial<PipelineDefinition> = {}): Pipeline {
  return definePipeline({
    source: { eventHub: 'sensor-data' },
    deviceId: { from: 'deviceId' },
    eventTime: { from: 'ts' },
    fields: { temperature: { type: 'double' }, humidity: { type: 'double' } },
    windows: {
      definitions: { minutes: { kind: 'tumbling', sizeMs: minuteMs } },
      allowedLatenessMs: 30_000,
      idleTimeoutMs: 10 * minuteMs,
      shards: 4,
      latestStateIntervalMs: minuteMs,
    },
    alerts: {
      emit: 'every',
      rules: [
        {
          name: 'HOT',
          when: { field: 'temperature', is: '>', threshold: 35 },
          severity: 'CRITICAL',
          message: 'Hot: {temperature}',
        },
        {
          name: 'WARM',
          when: { field: 'temperature', is: '>', threshold: 30 },
          severity: 'WARNING',
          message: 'Warm: {temperature}',
        },
      ],
    },
    ...changes,
  });
}

export interface TestReading {
  readonly device: string;
  /** Seconds after `startMs`. */
  readonly at: number;
  readonly temperature?: number | null;
  readonly sequenceNumber: number;
  readonly index?: number;
}

export function signalOf(readings: readonly TestReading[], facts: Partial<ShardSignal> = {}): ShardSignal {
  const devices = [...new Set(readings.map(({ device }) => device))];
  const sequenceNumber = readings.map((reading) => reading.sequenceNumber);
  return {
    v: 1,
    source: 'sensor-data',
    partition: '0',
    from: Math.min(...sequenceNumber),
    to: Math.max(...sequenceNumber),
    nowMs: startMs,
    fields: ['temperature', 'humidity'],
    devices,
    device: readings.map(({ device }) => devices.indexOf(device)),
    sequenceNumber,
    index: readings.map(({ index = 0 }) => index),
    eventTime: readings.map(({ at }) => (startMs + at * 1000) * 1000),
    values: [readings.map(({ temperature = null }) => temperature), readings.map(() => null)],
    ...facts,
  };
}

/** Runs operations one by one, from JSON to JSON. */
export class TestShard {
  /** JSON text. */
  state: string | undefined;
  readonly problems: string[] = [];

  constructor(
    readonly plan: ShardPlan = planShards(shardPipeline()),
    state?: string,
  ) {
    this.state = state;
  }

  run(operation: string, input: unknown): unknown {
    const session = new ShardSession(
      this.state === undefined ? undefined : JSON.parse(this.state),
      this.plan,
    );
    const result = session.run(operation, JSON.parse(JSON.stringify(input ?? null)));
    if (result.problem !== undefined) this.problems.push(result.problem);
    if (result.state !== undefined) this.state = JSON.stringify(result.state);
    return result.answer === undefined ? undefined : JSON.parse(JSON.stringify(result.answer));
  }

  ingest(readings: readonly TestReading[], facts: Partial<ShardSignal> = {}): void {
    this.run('ingest', signalOf(readings, facts));
  }

  /** As a publication does: until the batch is stored. */
  seal(input: Partial<SealInput> = {}): SealedBatch {
    const first = this.sealOnce(input);
    if (first.isUnstored !== true) return first;
    const stored = this.sealOnce(input);
    return { ...stored, summary: first.summary ?? stored.summary };
  }

  sealOnce(input: Partial<SealInput> = {}): SealedBatch {
    return this.run('seal', { nowMs: startMs, ...input }) as SealedBatch;
  }

  acknowledge(number: number | null): void {
    this.run('ack', { number });
  }

  describe(nowMs = startMs): ShardSummary {
    return this.run('describe', { nowMs }) as ShardSummary;
  }

  /** The pipeline runs on, publishing all the while: a longer pause between two seals would not count as silence of devices. */
  drainFor(fromMs: number, toMs: number, everyMs = minuteMs): SealedBatch[] {
    const batches: SealedBatch[] = [];
    for (let nowMs = fromMs; nowMs < toMs; nowMs += everyMs) batches.push(...this.drain({ nowMs }));
    return [...batches, ...this.drain({ nowMs: toMs })];
  }

  /** Seals and acknowledges until nothing is left. */
  drain(input: Partial<SealInput> = {}): SealedBatch[] {
    const batches: SealedBatch[] = [];
    for (let batch = this.seal(input); batch.number !== null; ) {
      batches.push(batch);
      batch = this.seal({ ...input, acknowledge: batch.number });
    }
    return batches;
  }
}

/** Rows in words, in order. */
export function described({ rows }: SealedBatch): string[] {
  return [
    ...rows.alerts
      .map(decodeAlertRow)
      .map(({ device, alert }) => `${alert.transition} ${alert.rule} ${device}`),
    ...rows.failed
      .map(decodeFailedRow)
      .map(({ device, sequenceNumber }) => `failed ${device} ${sequenceNumber}`),
    ...rows.late.map(decodeLateRow).map(({ device, sequenceNumber }) => `late ${device} ${sequenceNumber}`),
    ...rows.windows.map(decodeWindowRow).map(({ device, window }) => {
      const start = (window.startMicros / 1000 - startMs) / 1000;
      const { count, sum } = window.metrics[0]!;
      return `${window.closedBy} ${window.definition} ${device} ${start}: ${window.messageCount} (${count}, ${sum})`;
    }),
  ];
}
