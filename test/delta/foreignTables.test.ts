// Tables that other engines wrote, where they are at hand: beside the project, in ../shared/delta-cases.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManualClock } from '../../shared/base/index.js';
import {
  openTable,
  parseTableColumns,
  readSnapshotAt,
  type Snapshot,
  scanTable,
  type TableColumn,
  type TableLocation,
} from '../../shared/delta/index.js';
import { readParquet } from '../../shared/parquet/index.js';
import { canonicalRows, digestOf } from '../support/canonicalRows.js';
import { readOnlyFolderStore } from '../support/folderStore.js';

const cases = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'delta-cases');
const listing = join(cases, 'expected.json');

interface ExpectedTable {
  readonly error?: string;
  readonly version: number;
  readonly protocol: { readonly minReaderVersion: number };
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly numFiles: number;
  readonly txn: Readonly<Record<string, number>>;
  readonly numRows?: number;
  readonly rowsSha256?: string;
}

/** Earlier versions of a table that are tables of their own in the listing: `table` at `version` has the rows of `like`. */
const earlierVersions = [
  { table: 'snapshot-data3', version: 0, like: 'snapshot-data0' },
  { table: 'snapshot-data3', version: 1, like: 'snapshot-data1' },
  { table: 'snapshot-data3', version: 2, like: 'snapshot-data2' },
  { table: 'snapshot-data2-deleted', version: 3, like: 'snapshot-data3' },
  { table: 'time-travel-start-start20-start40', version: 0, like: 'time-travel-start' },
  { table: 'time-travel-start-start20-start40', version: 1, like: 'time-travel-start-start20' },
  { table: 'time-travel-schema-changes-b', version: 0, like: 'time-travel-schema-changes-a' },
  { table: 'time-travel-partition-changes-b', version: 0, like: 'time-travel-partition-changes-a' },
];

async function readAll(location: TableLocation, snapshot: Snapshot): Promise<string[]> {
  const columns = parseTableColumns(snapshot.metadata.schemaString);
  const rows: string[] = [];
  for await (const batch of scanTable({ ...location, snapshot })) {
    for (const row of canonicalRows(batch, columns)) rows.push(row);
  }
  return rows;
}

/** A checkpoint spells out the fields that an action lacks. */
function withoutNulls(action: object): object {
  return Object.fromEntries(Object.entries(action).filter(([, value]) => value !== null));
}

describe('tables of other engines', { skip: existsSync(listing) ? false : `${listing} is not there` }, () => {
  const tables = existsSync(listing)
    ? Object.entries(JSON.parse(readFileSync(listing, 'utf8')) as Record<string, ExpectedTable>)
    : [];

  for (const [folder, expected] of tables) {
    const name = folder.replace(/^[^/]*\//, '').replace(/\/delta$/, '');
    const location = { store: readOnlyFolderStore(join(cases, folder)), root: '' };
    const open = () => openTable({ ...location, clock: new ManualClock(0) });

    const isTooNew = (expected.protocol?.minReaderVersion ?? 0) > 3;
    if (expected.error !== undefined || isTooNew) {
      it(`${name}: is refused`, async () => {
        await assert.rejects(open(), {
          name: 'TributaryError',
          code: /^DELTA_(LOG_CORRUPT|LOG_GAP|TABLE_NOT_FOUND|PROTOCOL_UNSUPPORTED)$/,
          message: isTooNew ? /reader version 99/ : /./,
        });
      });
      continue;
    }

    it(`${name}: has the files, transactions and metadata that it should have`, async () => {
      const { snapshot } = await open();
      assert.equal(snapshot.version, expected.version);
      assert.equal(snapshot.files.size, expected.numFiles);
      assert.deepEqual(Object.fromEntries(snapshot.transactions), expected.txn);
      assert.deepEqual(snapshot.protocol, withoutNulls(expected.protocol));
      assert.deepEqual(snapshot.metadata.partitionColumns, expected.partitionColumns);
      assert.deepEqual(snapshot.metadata.configuration, expected.configuration);
    });

    if (expected.rowsSha256 === undefined) {
      // Its data files were never published: reading them has to say which one is missing.
      it(`${name}: names the data file that is missing`, async () => {
        const { snapshot } = await open();
        await assert.rejects(readAll(location, snapshot), {
          code: /^DELTA_(FILE_MISSING|PROTOCOL_UNSUPPORTED)$/,
          message: new RegExp(decodeURIComponent([...snapshot.files.values()][0]!.path).slice(0, 8)),
        });
      });
    } else {
      it(`${name}: has the rows that it should have`, async () => {
        const { snapshot } = await open();
        const rows = await readAll(location, snapshot);
        assert.equal(rows.length, expected.numRows);
        assert.equal(digestOf(rows), expected.rowsSha256, rows.slice(0, 3).join('\n'));
        if (snapshot.totalRows !== undefined) assert.equal(snapshot.totalRows, rows.length);
      });
    }
  }
});

describe('earlier versions of tables of other engines', {
  skip: existsSync(listing) ? false : `${listing} is not there`,
}, () => {
  const expected = existsSync(listing)
    ? (JSON.parse(readFileSync(listing, 'utf8')) as Record<string, ExpectedTable>)
    : {};
  for (const { table, version, like } of earlierVersions) {
    it(`${table}, version ${version}: has the rows of ${like}`, async () => {
      const location = {
        store: readOnlyFolderStore(join(cases, 'kernel-golden', table, 'delta')),
        root: '',
      };
      const rows = await readAll(location, await readSnapshotAt({ ...location, version }));
      assert.equal(digestOf(rows), expected[`kernel-golden/${like}/delta`]?.rowsSha256);
    });
  }
});

/** Rows of the Parquet files below a folder, with the table's columns in order. */
async function expectedRows(folder: string, columns: readonly TableColumn[]): Promise<string[]> {
  const rows: string[] = [];
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.parquet')) continue;
    const bytes = readFileSync(join(folder, file));
    const names = columns.map(({ name }) => name);
    const batch = await readParquet(bytes, { columns: names, allTypes: true });
    rows.push(...canonicalRows(batch, columns));
  }
  return rows;
}

const acceptance = join(cases, 'dat');

describe('versions of the acceptance tests', {
  skip: existsSync(acceptance) ? false : `${acceptance} is not there`,
}, () => {
  const tables = existsSync(acceptance) ? readdirSync(acceptance) : [];
  for (const table of tables) {
    const location = { store: readOnlyFolderStore(join(acceptance, table, 'delta')), root: '' };
    for (const moment of readdirSync(join(acceptance, table, 'expected'))) {
      it(`${table}, ${moment}: has the rows that it should have`, async () => {
        const folder = join(acceptance, table, 'expected', moment);
        const wanted = JSON.parse(readFileSync(join(folder, 'table_version_metadata.json'), 'utf8')) as {
          readonly version: number;
        };
        const snapshot = await readSnapshotAt({ ...location, version: wanted.version });
        assert.equal(snapshot.version, wanted.version);
        const columns = parseTableColumns(snapshot.metadata.schemaString);
        const rows = await readAll(location, snapshot);
        assert.equal(digestOf(rows), digestOf(await expectedRows(folder, columns)), rows[0]);
      });
    }
  }
});
