// Seeded bodies against an oracle that shares no code with the decoder: every cell and every reason agrees.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import defaultPipeline from '../../pipeline.js';
import { seededRandom } from '../../shared/base/index.js';
import { createEventDecoder, type EventBatch, quarantineReasons } from '../../shared/events/index.js';
import { definePipeline, type Pipeline } from '../../shared/pipeline/index.js';
import { ofSeeds } from '../support/seeds.js';
import { eventBatch, ingestTimeMs, type Row, rowsOf } from './batches.js';
import { readJson, writeJson } from './losslessJson.js';
import { EventMaker } from './mutations.js';
import { expectedRows } from './oracle.js';
import { everyType } from './pipelines.js';

const withFallback: Pipeline = {
  ...everyType,
  eventTime: { ...everyType.eventTime, forms: ['iso'], fallback: 'enqueuedTime' },
};

const noLimits = definePipeline({
  source: { eventHub: 'sensor-data' },
  deviceId: { from: 'id' },
  eventTime: { from: 'time' },
  fields: { text: { type: 'string' } },
});

/** Whole numbers as bigint, as the oracle has them; the compact form of what was rescued. */
function comparable(row: Row): Row {
  const { _ingest_time: _, ...rest } = row;
  for (const name of ['long', 'integer']) {
    const value = rest[name];
    if (typeof value === 'number') rest[name] = BigInt(value);
  }
  const rescued = rest._rescued_data;
  if (typeof rescued === 'string') rest._rescued_data = writeJson(readJson(rescued));
  return rest;
}

function assertAgrees(pipeline: Pipeline, batch: EventBatch, reasons: Map<unknown, number>): number {
  const decoded = createEventDecoder(pipeline).decode(batch, ingestTimeMs);
  const expected = expectedRows(pipeline, batch);
  const readings = rowsOf(decoded.readings).map(comparable);
  assert.deepStrictEqual(readings, expected.readings);
  const quarantine = rowsOf(decoded.quarantine).map(comparable);
  assert.equal(quarantine.length, expected.quarantine.length);
  quarantine.forEach(({ detail, properties: _, body, ...row }, index) => {
    const { body: expectedBody, ...expectedRow } = expected.quarantine[index]!;
    assert.deepStrictEqual(row, expectedRow);
    assert.ok(Buffer.compare(body as Uint8Array, expectedBody as Uint8Array) === 0);
    assert.ok(typeof detail === 'string' && detail.length > 10);
    reasons.set(row.reason, (reasons.get(row.reason) ?? 0) + 1);
  });
  const accounted = new Set([...readings, ...quarantine].map((row) => row._sequence_number));
  assert.equal(accounted.size, batch.bodies.length);
  return readings.length;
}

describe('the decoder and the oracle', () => {
  const roundCount = ofSeeds(200);

  it(`agree on ${roundCount * 500} bodies`, () => {
    const maker = new EventMaker(seededRandom(20_251_006));
    const reasons = new Map<unknown, number>();
    let readingCount = 0;
    for (let round = 0; round < roundCount; round++) {
      const batch = eventBatch(
        Array.from({ length: 500 }, () => maker.event()),
        round * 500,
      );
      readingCount += assertAgrees(round % 4 === 3 ? withFallback : everyType, batch, reasons);
    }
    assert.ok(readingCount > ofSeeds(30_000), `${readingCount} readings`);
    const unseen = quarantineReasons.filter((reason) => (reasons.get(reason) ?? 0) < ofSeeds(20));
    assert.deepEqual(unseen, ['processing_failed']);
  });

  const longLength = ofSeeds(10_000_000);

  it(`agree on bodies of ${longLength} bytes and more`, () => {
    const long = 'z'.repeat(longLength);
    const head = '{"id":"d","time":"2025-10-06T10:00:00Z"';
    const bodies = [
      `${head},"text":"${long}"}`,
      `${head},"other":"${long}"}`,
      `${head},"text":"${long}`,
      `${head},"id":"${long}"}`,
      `${head},"text":${'9'.repeat(longLength)}}`,
      `[${head}},${'[],'.repeat(9_000)}${head}}]`,
      gzipSync(`${head},"text":"${long}"}`),
      gzipSync(Buffer.alloc(40_000_000, ' ')),
      '['.repeat(longLength),
      '{"a":'.repeat(longLength / 5),
    ];
    const reasons = new Map<unknown, number>();
    const readingCount = assertAgrees(noLimits, eventBatch(bodies.map((body) => ({ body }))), reasons);
    assert.equal(readingCount, 6);
    assert.deepEqual(Object.fromEntries(reasons), {
      invalid_json: 1,
      invalid_device_id: 1,
      not_an_object: 9_000,
      body_too_large: 1,
      too_deep: 2,
    });
  });

  it('agree on the default pipeline', () => {
    const maker = new EventMaker(seededRandom(7));
    const batch = eventBatch(Array.from({ length: 500 }, () => maker.event()));
    assertAgrees(defaultPipeline, batch, new Map());
  });
});
