// Tables that other engines wrote, where they are at hand: beside the project, in ../shared/delta-cases.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManualClock } from '../../shared/base/index.js';
import { openTable, parseTableSchema, readRows, type Snapshot } from '../../shared/delta/index.js';
import type { ColumnBatch, ColumnType } from '../../shared/parquet/index.js';
import { readOnlyFolderStore } from '../support/folderStore.js';

const cases = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'delta-cases');
const listing = join(cases, 'expected.json');

interface ExpectedTable {
  readonly error?: string;
  readonly version: number;
  readonly numFiles: number;
  readonly txn: Readonly<Record<string, number>>;
  readonly numRows?: number;
  readonly rowsSha256?: string;
}

/** Refused by name, as long as the feature is not supported. */
const unsupported: Readonly<Record<string, RegExp>> = {
  'data-reader-timestamp_ntz-id-mode': /columnMapping/,
  'data-reader-timestamp_ntz-name-mode': /columnMapping/,
  'data-skipping-basic-stats-all-types-columnmapping-id': /columnMapping/,
  'data-skipping-basic-stats-all-types-columnmapping-name': /columnMapping/,
  'deltalog-invalid-protocol-version': /reader version 99/,
  'dv-partitioned-with-checkpoint': /deletionVectors/,
  'dv-with-columnmapping': /deletionVectors/,
  'log-replay-dv-key-cases': /deletionVectors/,
  'table-with-columnmapping-mode-id': /columnMapping/,
  'table-with-columnmapping-mode-name': /columnMapping/,
  'v2-checkpoint-json': /v2Checkpoint/,
  'v2-checkpoint-parquet': /v2Checkpoint/,
};

/** Its zone-less timestamps were written in Los Angeles; without that knowledge they read as UTC. */
const otherRows = new Set(['data-reader-partition-values']);

function cellText(type: ColumnType, value: unknown): unknown {
  switch (type) {
    case 'long':
      return String(value);
    case 'boolean':
      return value === 1;
    case 'binary':
      return Buffer.from(value as Uint8Array).toString('hex');
    case 'date':
      return new Date(Number(value) * 86_400_000).toISOString().slice(0, 10);
    case 'timestamp':
      return `${microsecondText(value)}Z`;
    case 'timestamp_ntz':
      return microsecondText(value);
    case 'float':
    case 'double':
      if (Object.is(value, -0)) return '-0.0';
      return Number.isFinite(value) ? value : String(value);
    default:
      return value;
  }
}

function microsecondText(value: unknown): string {
  const microseconds = BigInt(value as number | bigint);
  const fraction = ((microseconds % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((microseconds - fraction) / 1000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(fraction).padStart(6, '0')}`;
}

function rowTexts(batch: ColumnBatch): string[] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    JSON.stringify(
      Object.fromEntries(
        batch.fields.map(({ name, type }, index) => {
          const column = batch.columns[index]!;
          const isNull = column.kind === 'numbers' && column.validity?.[row] === 0;
          const value = isNull ? null : column.values[row];
          return [name, value === null ? null : cellText(type, value)];
        }),
      ),
    ),
  );
}

function isReadWhole(snapshot: Snapshot): boolean {
  return parseTableSchema(snapshot.metadata.schemaString).fields.every(({ kind }) => kind === 'column');
}

describe('tables of other engines', { skip: existsSync(listing) ? false : `${listing} is not there` }, () => {
  const tables = existsSync(listing)
    ? Object.entries(JSON.parse(readFileSync(listing, 'utf8')) as Record<string, ExpectedTable>)
    : [];
  let comparedRows = 0;

  for (const [folder, expected] of tables) {
    const name = folder.replace(/^[^/]*\//, '').replace(/\/delta$/, '');
    const location = { store: readOnlyFolderStore(join(cases, folder)), root: '' };
    const open = () => openTable({ ...location, clock: new ManualClock(0) });

    if (expected.error !== undefined || unsupported[name] !== undefined) {
      it(`${name}: is refused`, async () => {
        await assert.rejects(open(), {
          name: 'TributaryError',
          code: /^DELTA_(LOG_CORRUPT|LOG_GAP|PROTOCOL_UNSUPPORTED)$/,
          message: unsupported[name] ?? /./,
        });
      });
      continue;
    }

    it(`${name}: has the files, transactions and rows that it should have`, async () => {
      const { snapshot } = await open();
      assert.equal(snapshot.version, expected.version);
      assert.equal(snapshot.files.size, expected.numFiles);
      assert.deepEqual(Object.fromEntries(snapshot.transactions), expected.txn);
      if (expected.numRows === undefined || !isReadWhole(snapshot) || otherRows.has(name)) return;
      const rows: string[] = [];
      for await (const batch of readRows({ ...location, snapshot })) rows.push(...rowTexts(batch));
      const digest = createHash('sha256').update(rows.sort().join('\n')).digest('hex');
      assert.equal(digest, expected.rowsSha256, rows.slice(0, 3).join('\n'));
      comparedRows++;
    });
  }

  it('were compared row by row where all columns can be read', () => {
    assert.ok(comparedRows > 40, `only ${comparedRows}`);
  });
});
