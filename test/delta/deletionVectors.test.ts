// Rows that a deletion vector deletes are not read, wherever it lies; a damaged one is an error that names the data file.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { readDeletedRows } from '../../shared/delta/deletionVector.js';
import {
  type DeletionVector,
  deleteRows,
  openTable,
  optimizeTable,
  readRows,
  restoreTable,
  TableWriter,
  vacuumTable,
  writeCheckpoint,
} from '../../shared/delta/index.js';
import { decodeZ85 } from '../../shared/delta/z85.js';
import { createMemoryStore, storeBelow } from '../../shared/storage/index.js';
import { partitionAppend, readingsSchema, readLogLines } from '../support/deltaFixtures.js';
import { InstantClock } from '../support/instantClock.js';
import { encodeZ85, vectorBytes, vectorFile } from '../support/roaring.js';
import { ofSeeds } from '../support/seeds.js';

const root = 'tables/readings';

describe('Z85', () => {
  it('decodes the example of its specification', () => {
    const bytes = Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b);
    assert.deepEqual(decodeZ85('HelloWorld'), bytes);
    assert.equal(encodeZ85(bytes), 'HelloWorld');
  });

  it('refuses other lengths, other characters, and blocks beyond 32 bits', () => {
    for (const text of ['Hell', 'Hell~', '#####']) assert.equal(decodeZ85(text), undefined);
  });
});

function inlineVector(rows: readonly number[], useRuns = false): DeletionVector {
  const bytes = vectorBytes(rows, useRuns);
  return {
    storageType: 'i',
    pathOrInlineDv: encodeZ85(bytes),
    sizeInBytes: bytes.length,
    cardinality: rows.length,
  };
}

describe('a roaring bitmap', () => {
  const range = (from: number, to: number, step = 1): number[] =>
    Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step);
  const cases: readonly [name: string, rows: number[]][] = [
    ['no rows', []],
    ['one row', [7]],
    ['rows in an array', range(0, 65536, 30)],
    ['rows in a bitmap', range(5, 65536, 3)],
    ['rows of five containers', range(1, 5 * 65536, 1000)],
    ['neighbouring rows', [...range(10, 5000), ...range(70_000, 70_500)]],
  ];
  for (const [name, rows] of cases) {
    for (const useRuns of rows.length === 0 ? [false] : [false, true]) {
      it(`with ${name} gives these rows${useRuns ? ' as runs' : ''}`, () => {
        const deleted = readDeletedRows(
          vectorBytes(rows, useRuns),
          inlineVector(rows, useRuns),
          5 * 65536,
          'f',
        );
        const found: number[] = [];
        for (const [row, flag] of deleted.entries()) if (flag === 1) found.push(row);
        assert.deepEqual(found, rows);
      });
    }
  }

  it('that is damaged is refused by the name of the data file, or gives as many rows as the log says', () => {
    const rows = range(0, 3000, 7);
    const vector = inlineVector(rows);
    const random = seededRandom(5);
    let refusedCount = 0;
    for (let attempt = 0; attempt < ofSeeds(500); attempt++) {
      const bytes = vectorBytes(rows);
      const at = Math.floor(random.next() * bytes.length);
      bytes[at] = bytes[at]! ^ (1 << Math.floor(random.next() * 8));
      try {
        readDeletedRows(bytes, vector, 4000, 'part-1.parquet');
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'DELTA_LOG_CORRUPT');
        assert.match((error as Error).message, /part-1\.parquet/);
        refusedCount++;
      }
    }
    assert.ok(refusedCount > ofSeeds(50));
  });

  it('is refused when cut short, when too long for the file, and with another number of rows', () => {
    const bytes = vectorBytes([1, 2, 3]);
    const vector = inlineVector([1, 2, 3]);
    const cases: readonly [Uint8Array, DeletionVector, number, RegExp][] = [
      [bytes.slice(0, -1), vector, 10, /ends too early/],
      [bytes.slice(0, 2), vector, 10, /ends too early/],
      [bytes, vector, 3, /deletes row 3, but the file has 3 rows/],
      [bytes, { ...vector, cardinality: 4 }, 10, /deletes 3 rows, but 4 by the log/],
      [bytes.map((byte) => byte ^ 1), vector, 10, /does not start as one/],
    ];
    for (const [given, described, rowCount, message] of cases) {
      assert.throws(() => readDeletedRows(given, described, rowCount, 'f'), {
        code: 'DELTA_LOG_CORRUPT',
        message,
      });
    }
  });
});

/** A table of one file with the rows 1 to 10, whose next version marks some of them. */
async function setUp(vector: DeletionVector) {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  await writer.append(partitionAppend('p0', 1, 10));
  const lines = (await readLogLines(store, root)).flat();
  const add = lines.find((line) => line.add !== undefined)!.add as Record<string, unknown>;
  const features = ['deletionVectors'];
  const protocol = {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: features,
    writerFeatures: features,
  };
  const actions = [
    { protocol },
    { remove: { path: add.path, dataChange: true } },
    { add: { ...add, deletionVector: vector } },
  ];
  const version = lines.filter((line) => line.commitInfo !== undefined).length;
  const files = storeBelow(store, root);
  const name = `_delta_log/${String(version).padStart(20, '0')}.json`;
  await files.put(name, new TextEncoder().encode(actions.map((action) => JSON.stringify(action)).join('\n')));
  return { ...table, files };
}

type Table = Awaited<ReturnType<typeof setUp>>;

async function sequencesOf(table: Table): Promise<number[]> {
  const { snapshot } = await openTable(table);
  const rows: number[] = [];
  for await (const batch of readRows({ ...table, snapshot, columns: ['sequence'] })) {
    rows.push(...Array.from(batch.columns[0]!.values.slice(0, batch.rowCount), Number));
  }
  assert.equal(snapshot.totalRows, rows.length);
  assert.equal(snapshot.files.size, 1);
  return rows;
}

/** `deletion_vector_<uuid>.bin` below a folder `ab`. */
const uuidBytes = Uint8Array.from({ length: 16 }, (_, index) => index * 16 + index);
const vectorPath = 'ab/deletion_vector_00112233-4455-6677-8899-aabbccddeeff.bin';

describe('a file with a deletion vector', () => {
  it('inline is read without the deleted rows', async () => {
    assert.deepEqual(await sequencesOf(await setUp(inlineVector([0, 3, 9]))), [2, 3, 5, 6, 7, 8, 9]);
  });

  const { bytes, offsets } = vectorFile([vectorBytes([1]), vectorBytes([0, 1, 2, 3, 4], true)]);
  const stored = (index: number): DeletionVector => ({
    storageType: 'u',
    pathOrInlineDv: `ab${encodeZ85(uuidBytes)}`,
    offset: offsets[index]!,
    sizeInBytes: [vectorBytes([1]), vectorBytes([0, 1, 2, 3, 4], true)][index]!.length,
    cardinality: [1, 5][index]!,
  });

  it('in a file of its own is read without the deleted rows', async () => {
    for (const [index, left] of [
      [1, 3, 4, 5, 6, 7, 8, 9, 10],
      [6, 7, 8, 9, 10],
    ].entries()) {
      const table = await setUp(stored(index));
      await table.files.put(vectorPath, bytes);
      assert.deepEqual(await sequencesOf(table), left);
    }
  });

  it('that is gone or damaged is an error that names it', async () => {
    const table = await setUp(stored(1));
    await assert.rejects(sequencesOf(table), {
      code: 'DELTA_FILE_MISSING',
      message: /deletion_vector_0011/,
    });
    await table.files.put(vectorPath, bytes.slice(0, -5));
    await assert.rejects(sequencesOf(table), { code: 'DELTA_LOG_CORRUPT', message: /cut short/ });
    const turned = bytes.slice();
    turned[turned.length - 8] = turned[turned.length - 8]! ^ 1;
    await table.files.put(vectorPath, turned);
    await assert.rejects(sequencesOf(table), { code: 'DELTA_LOG_CORRUPT', message: /checksum/ });
  });

  it('of an unknown kind, or in text that is no Z85, is refused', async () => {
    const vector = inlineVector([1]);
    await assert.rejects(sequencesOf(await setUp({ ...vector, storageType: 'x' })), /storage type "x"/);
    await assert.rejects(sequencesOf(await setUp({ ...vector, pathOrInlineDv: '~' })), /not valid Z85/);
  });
});

describe('a table with deletion vectors that is written to', () => {
  const vectors = vectorFile([vectorBytes([0, 3, 9])]);
  const vector: DeletionVector = {
    storageType: 'u',
    pathOrInlineDv: `ab${encodeZ85(uuidBytes)}`,
    offset: vectors.offsets[0]!,
    sizeInBytes: vectorBytes([0, 3, 9]).length,
    cardinality: 3,
  };
  const live = ['2', '3', '5', '6', '7', '8', '9'].map((number) => `p0/${number}`);

  async function setUpWithFile() {
    const table = await setUp(vector);
    await table.files.put(vectorPath, vectors.bytes);
    await new TableWriter(table).append(partitionAppend('p1', 1, 2));
    return table;
  }

  async function rowsOf(table: Table): Promise<string[]> {
    const { snapshot } = await openTable(table);
    const rows: string[] = [];
    for await (const batch of readRows({ ...table, snapshot, columns: ['device_id', 'sequence'] }))
      for (let row = 0; row < batch.rowCount; row++)
        rows.push(`${batch.columns[0]!.values[row]}/${batch.columns[1]!.values[row]}`);
    assert.equal(snapshot.totalRows, rows.length);
    return rows.sort();
  }

  it('gets rows appended, and loses the deleted ones for good when it is compacted', async () => {
    const table = await setUpWithFile();
    assert.deepEqual(await rowsOf(table), [...live, 'p1/1', 'p1/2']);
    const result = await optimizeTable(table);
    assert.equal(result.kind === 'optimized' && result.rowCount, 9);
    assert.deepEqual(await rowsOf(table), [...live, 'p1/1', 'p1/2']);
    const last = (await readLogLines(table.store, root)).at(-1)!;
    const removed = last.flatMap(({ remove }) => (remove === undefined ? [] : [remove]));
    const withVector = removed.filter((remove) => 'deletionVector' in (remove as object));
    assert.deepEqual(
      withVector.map((remove) => (remove as { deletionVector: unknown }).deletionVector),
      [vector],
    );
    const added = last.flatMap(({ add }) => (add === undefined ? [] : [add as { stats: string }]));
    assert.equal(added.length, 1);
    assert.ok(!('deletionVector' in added[0]!));
    assert.equal(JSON.parse(added[0]!.stats).numRecords, 9);
  });

  it('loses the deleted rows of a file that has no other small one beside it', async () => {
    const table = await setUp(vector);
    await table.files.put(vectorPath, vectors.bytes);
    const result = await optimizeTable(table);
    assert.deepEqual(
      result.kind === 'optimized' && [result.removedCount, result.addedCount, result.rowCount],
      [1, 1, 7],
    );
    assert.deepEqual(await rowsOf(table), live);
    assert.deepEqual(await optimizeTable(table), { kind: 'nothing' });
  });

  it('loses the rows that a delete matches, whatever the vector had deleted before', async () => {
    const table = await setUpWithFile();
    const result = await deleteRows({
      ...table,
      predicate: {
        description: 'sequence <= 4',
        columns: ['sequence'],
        matches: ({ columns }, row) => Number(columns[0]!.values[row]) <= 4,
      },
    });
    assert.equal(result.kind === 'deleted' && result.deletedRowCount, 4);
    assert.deepEqual(await rowsOf(table), live.slice(2));
  });

  it('keeps its checkpoint, its vacuum and its restore', async () => {
    const table = await setUpWithFile();
    await writeCheckpoint(table);
    assert.deepEqual(await rowsOf(table), [...live, 'p1/1', 'p1/2']);
    await optimizeTable(table);
    await vacuumTable(table);
    assert.ok(await table.files.head(vectorPath), 'needed for the retention of the old files');
    assert.equal((await restoreTable({ ...table, version: 3 })).kind, 'restored');
    assert.deepEqual(await rowsOf(table), [...live, 'p1/1', 'p1/2']);
  });

  it('is not restored to where a vector is gone', async () => {
    const table = await setUpWithFile();
    await optimizeTable(table);
    await table.files.delete(vectorPath);
    await assert.rejects(restoreTable({ ...table, version: 3 }), {
      code: 'DELTA_FILE_MISSING',
      message: /deletion_vector_0011/,
    });
  });

  it('loses the vector with the file when the retention is over', async () => {
    const table = await setUpWithFile();
    await optimizeTable(table);
    table.clock.advance(8 * 86_400_000);
    await vacuumTable(table);
    assert.equal(await table.files.head(vectorPath), undefined);
    assert.deepEqual(await rowsOf(table), [...live, 'p1/1', 'p1/2']);
  });
});
