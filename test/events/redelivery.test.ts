// The same events give the same rows: whenever they come, and however a redelivery cuts them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { createEventDecoder } from '../../shared/events/index.js';
import { eventBatch, ingestTimeMs, type Row, rowsOf, sliceEvents } from './batches.js';
import { EventMaker } from './mutations.js';
import { everyType } from './pipelines.js';

const maker = new EventMaker(seededRandom(99));
const batch = eventBatch(Array.from({ length: 120 }, () => maker.event()));
const decoder = createEventDecoder(everyType);

function decodeRows(events: typeof batch, timeMs = ingestTimeMs): { readings: Row[]; quarantine: Row[] } {
  const decoded = decoder.decode(events, timeMs);
  return { readings: rowsOf(decoded.readings).map(plain), quarantine: rowsOf(decoded.quarantine).map(plain) };
}

/** A long column is numbers or bigints by what else its batch holds; the values are the same. */
function plain(row: Row): Row {
  return { ...row, long: typeof row.long === 'number' ? BigInt(row.long) : row.long };
}

describe('a redelivered batch', () => {
  const whole = decodeRows(batch);

  it('has rows of both kinds, in ascending order', () => {
    assert.ok(whole.readings.length > 20 && whole.quarantine.length > 20);
    for (const rows of [whole.readings, whole.quarantine]) {
      const places = rows.map((row) => Number(row._sequence_number) * 1_000 + Number(row._index));
      assert.deepEqual(
        places,
        places.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(places).size, places.length);
    }
  });

  it('gives the same rows but for _ingest_time', () => {
    const later = decodeRows(batch, ingestTimeMs + 86_400_000);
    for (const kind of ['readings', 'quarantine'] as const) {
      assert.ok(later[kind].every((row) => row._ingest_time === (ingestTimeMs + 86_400_000) * 1000));
      const atFirst = later[kind].map((row) => ({ ...row, _ingest_time: ingestTimeMs * 1000 }));
      assert.deepEqual(atFirst, whole[kind]);
    }
  });

  it('gives the same rows wherever it is cut', () => {
    for (let cut = 0; cut <= batch.bodies.length; cut++) {
      const head = decodeRows(sliceEvents(batch, 0, cut));
      const tail = decodeRows(sliceEvents(batch, cut));
      assert.deepEqual([...head.readings, ...tail.readings], whole.readings);
      assert.deepEqual([...head.quarantine, ...tail.quarantine], whole.quarantine);
    }
  });

  it('gives the same rows event by event, in any order of decoding', () => {
    const alone = batch.bodies.map((_, index) => index).reverse();
    const rows = alone.map((index) => decodeRows(sliceEvents(batch, index, index + 1))).reverse();
    assert.deepEqual(
      rows.flatMap((row) => row.readings),
      whole.readings,
    );
  });

  it('leaves the batches that were decoded before as they were', () => {
    const first = decoder.decode(batch, ingestTimeMs);
    const before = structuredClone(rowsOf(first.readings));
    decoder.decode(eventBatch([{ body: '{}' }]), 0);
    assert.deepEqual(rowsOf(first.readings), before);
  });

  it('may be empty', () => {
    assert.deepEqual(decodeRows(sliceEvents(batch, 0, 0)), { readings: [], quarantine: [] });
  });
});
