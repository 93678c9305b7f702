// Nothing is lost: every value of an accepted reading is in the column of its path or, digit for digit, in _rescued_data.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { createEventDecoder } from '../../shared/events/index.js';
import { parseSourcePath } from '../../shared/pipeline/index.js';
import { eventBatch, ingestTimeMs, type Row, rowsOf } from './batches.js';
import { type JsonNode, readJson, writeJson } from './losslessJson.js';
import { EventMaker } from './mutations.js';
import { everyType } from './pipelines.js';

const factors: Readonly<Record<string, number>> = { percent: 100, third: 0.3 };

/** Path of each leaf -> its JSON text. Empty objects and arrays count as leaves; a null may be left out. */
function leavesOf(node: JsonNode, path = ''): [path: string, text: string][] {
  if (node.kind === 'object' && node.members.size > 0) {
    return [...node.members].flatMap(([key, member]) => leavesOf(member, `${path}/${JSON.stringify(key)}`));
  }
  return [[path, writeJson(node)]];
}

const columnOf = new Map<string, string>();
const columns: readonly (readonly [column: string, paths: readonly string[]])[] = [
  ['device_id', everyType.deviceId.from],
  ['event_time', everyType.eventTime.from],
  ...everyType.fields.map((field) => [field.name, field.from] as const),
];
for (const [column, paths] of columns) {
  for (const path of paths.map(parseSourcePath)) {
    if (path.kind === 'body')
      columnOf.set(path.segments.map((key) => `/${JSON.stringify(key)}`).join(''), column);
  }
}

/** Whether the cell alone tells what the device sent. */
function tells(column: string, cell: unknown, text: string, row: Row): boolean {
  const sent: unknown = JSON.parse(text);
  const plain = typeof sent === 'string' ? sent : text;
  if (typeof cell === 'string') return cell === plain;
  if (typeof cell === 'boolean') return String(cell) === plain;
  if (typeof cell === 'bigint' && /^-?\d+$/.test(plain)) return BigInt(plain) === cell;
  if (column === 'event_time' || column === 'seen') return tellsTime(Number(cell), plain);
  const applied = String(row._rules).split(',');
  const candidates = [1, ...applied.map((rule) => factors[rule] ?? 1)];
  return candidates.some(
    (factor) =>
      Math.abs(Number(plain) * factor - Number(cell)) <= Math.max(1e-300, Math.abs(Number(cell)) * 1e-12),
  );
}

/** Within a day for ISO times, whose zones the timestamp tests cover. */
function tellsTime(micros: number, plain: string): boolean {
  const day = /^\d{4}-\d\d-\d\d/.exec(plain)?.[0];
  if (day !== undefined) return Math.abs(Date.parse(day) * 1000 - micros) < 2 * 86_400_000_000;
  return Number(plain) * 1000 === micros;
}

describe('every value that was sent', () => {
  it('can be had back from the row', () => {
    const maker = new EventMaker(seededRandom(31));
    const decoder = createEventDecoder(everyType);
    let leafCount = 0;
    for (let round = 0; round < 20; round++) {
      const batch = eventBatch(Array.from({ length: 500 }, () => maker.event()));
      const sent = new Map(batch.bodies.map((body, index) => [batch.sequenceNumbers[index], body]));
      for (const row of rowsOf(decoder.decode(batch, ingestTimeMs).readings)) {
        leafCount += assertComplete(row, sent.get(Number(row._sequence_number))!);
      }
    }
    assert.ok(leafCount > 10_000, `${leafCount} values`);
  });

  function assertComplete(row: Row, body: Uint8Array): number {
    if (body[0] === 0x1f) return 0; // Compressed bodies hold nothing that plain ones do not.
    const node = readJson(new TextDecoder().decode(body));
    const reading = node.kind === 'array' ? node.items[Number(row._index)]! : node;
    const rescued = new Map(
      typeof row._rescued_data === 'string' ? leavesOf(readJson(row._rescued_data)) : [],
    );
    const leaves = leavesOf(reading).filter(([, text]) => text !== 'null' && text !== '{}');
    for (const [path, text] of leaves) {
      const column = columnOf.get(path);
      if (rescued.get(path) === text) continue;
      const isTold = column !== undefined && row[column] !== null && tells(column, row[column], text, row);
      assert.ok(
        isTold,
        `${path} = ${text} is lost in ${JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))}`,
      );
    }
    return leaves.length;
  }
});
