// Damaged tables: whatever is asked of them, the answer is an error with a stable code that names the file, or the work is done as if
// nothing were damaged. Nothing is deleted on the word of a damaged log.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, TributaryError } from '../../../shared/base/index.js';
import {
  cleanUpLog,
  deleteRows,
  openTable,
  optimizeTable,
  parseRowPredicate,
  planDelete,
  readHistory,
  restoreTable,
  scanTable,
  TableWriter,
  vacuumTable,
  writeCheckpoint,
} from '../../../shared/delta/index.js';
import { createMemoryStore, type ObjectStore, storeBelow } from '../../../shared/storage/index.js';
import { checkpointBytes, number, struct, text } from '../../support/checkpointFile.js';
import {
  addedPaths,
  partitionAppend,
  readingsSchema,
  type TableOnStore,
} from '../../support/deltaFixtures.js';
import { replaceLogByCheckpoint } from '../../support/foreignCheckpoint.js';
import { deleteCommits, logDigits } from '../../support/foreignTable.js';
import { InstantClock } from '../../support/instantClock.js';
import { ofSeeds } from '../../support/seeds.js';
import { liveRows } from '../../support/tableRows.js';

const root = 'tables/readings';
const dayMs = 86_400_000;

/** Four files of two rows; a checkpoint of version 3; versions 0 to 4. Old enough for vacuum and cleanup. */
async function setUp() {
  const clock = new InstantClock(1_700_000_000_000);
  const store = createMemoryStore(clock);
  const table = { store, root, clock, random: seededRandom(1) };
  const writer = new TableWriter({ ...table, schema: readingsSchema });
  for (let last = 1; last <= 4; last++) await writer.append(partitionAppend('p0', 1, last * 2));
  await writeCheckpoint({ ...table, version: 3 });
  clock.advance(40 * dayMs);
  return { ...table, files: storeBelow(store, root) };
}

type Table = Awaited<ReturnType<typeof setUp>>;

const everyRow = { description: 'all', columns: ['sequence'], matches: () => true };

const operations: Readonly<Record<string, (table: TableOnStore) => Promise<unknown>>> = {
  open: openTable,
  async scan(table) {
    const { snapshot } = await openTable(table);
    for await (const _ of scanTable({ ...table, snapshot }));
  },
  // Which would create the table, were it missing.
  append: (table) =>
    new TableWriter({ ...table, schema: readingsSchema }).append(partitionAppend('p7', 1, 2)),
  optimize: optimizeTable,
  checkpoint: writeCheckpoint,
  vacuum: vacuumTable,
  cleanup: cleanUpLog,
  delete: (table) => deleteRows({ ...table, predicate: everyRow }),
  'planned delete': (table) => planDelete({ ...table, predicate: everyRow }),
  async 'delete by statistics'(table) {
    const { snapshot } = await openTable(table);
    await deleteRows({ ...table, predicate: parseRowPredicate('sequence > 0', snapshot) });
  },
  restore: (table) => restoreTable({ ...table, version: 3 }),
};

const bytesOf = (content: string): Uint8Array => new TextEncoder().encode(content);
const commit = (version: number): string => `_delta_log/${logDigits(version)}.json`;
const checkpoint = `_delta_log/${logDigits(3)}.checkpoint.parquet`;

async function cut(files: ObjectStore, path: string): Promise<string> {
  const bytes = (await files.read(path))!;
  await files.put(path, bytes.slice(0, Math.floor(bytes.length / 2)));
  return path;
}

interface Damage {
  readonly what: string;
  /** @returns the file that the error has to name */
  apply(table: Table): Promise<string>;
  readonly code: string;
  /** Default all. */
  readonly meets?: readonly string[];
}

const readersOfRows = ['scan', 'optimize', 'delete', 'planned delete', 'delete by statistics'];

/** So that only the checkpoint tells what came before. */
const withoutCommits = (table: Table) => deleteCommits(table.store, root, 0, 3);

const damages: readonly Damage[] = [
  {
    what: 'a data file that is cut short',
    apply: async ({ store, files }) => cut(files, (await addedPaths(store, root))[1]!),
    code: 'PARQUET_INVALID',
    meets: readersOfRows,
  },
  {
    what: 'a data file that is missing',
    async apply({ store, files }) {
      const [path] = await addedPaths(store, root);
      await files.delete(path!);
      return path!;
    },
    code: 'DELTA_FILE_MISSING',
    meets: readersOfRows,
  },
  {
    what: 'a line of a commit that is garbage',
    async apply({ files }) {
      const bytes = (await files.read(commit(4)))!;
      await files.put(commit(4), bytesOf(`${new TextDecoder().decode(bytes)}{"add":{"pa\n`));
      return commit(4);
    },
    code: 'DELTA_LOG_CORRUPT',
  },
  {
    what: 'a commit whose action makes no sense',
    async apply({ files }) {
      await files.put(commit(4), bytesOf('{"remove":{"path":["a"],"dataChange":true}}\n'));
      return commit(4);
    },
    code: 'DELTA_LOG_CORRUPT',
  },
  {
    what: 'a commit that is empty',
    async apply({ files }) {
      await files.put(commit(4), new Uint8Array());
      return commit(4);
    },
    code: 'DELTA_LOG_CORRUPT',
  },
  {
    what: 'a commit that is not UTF-8',
    async apply({ files }) {
      await files.put(commit(4), Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d));
      return commit(4);
    },
    code: 'DELTA_LOG_CORRUPT',
  },
  {
    what: 'a gap in the log',
    async apply(table) {
      await new TableWriter({ ...table, random: seededRandom(3) }).append(partitionAppend('p1', 1, 2));
      await table.files.delete(commit(4));
      return `${logDigits(4)}.json`;
    },
    code: 'DELTA_LOG_GAP',
  },
  {
    what: 'a checkpoint that is cut short, its commits gone',
    async apply(table) {
      await withoutCommits(table);
      return cut(table.files, checkpoint);
    },
    code: 'DELTA_LOG_CORRUPT',
  },
  {
    what: 'a checkpoint that is a file of rows, its commits gone',
    async apply(table) {
      await withoutCommits(table);
      const [path] = await addedPaths(table.store, root);
      await table.files.put(checkpoint, (await table.files.read(path!))!);
      return checkpoint;
    },
    code: 'DELTA_LOG_CORRUPT',
  },
  ...(
    [
      [
        'whose adds have numbers as paths',
        struct('add', number('path'), number('size')),
        { path: 1, size: 2 },
      ],
      ['whose adds have no path', struct('add', number('size')), { size: 2 }],
      ['whose adds are texts', text('add'), 'part-1.parquet'],
    ] as const
  ).map(
    ([what, add, row]): Damage => ({
      what: `a checkpoint ${what}, its commits gone`,
      async apply(table) {
        const { protocol, metadata } = (await openTable(table)).snapshot;
        await withoutCommits(table);
        const rows = [{ protocol: { ...protocol } }, { metaData: { ...metadata } }, { add: row }];
        await table.files.put(checkpoint, checkpointBytes(rows, { add }));
        return checkpoint;
      },
      code: 'DELTA_LOG_CORRUPT',
    }),
  ),
  {
    what: 'a V2 checkpoint without one of its sidecars',
    async apply(table) {
      await table.files.delete(checkpoint);
      await table.files.delete('_delta_log/_last_checkpoint');
      await replaceLogByCheckpoint(table.store, root, 'V2 in JSON with sidecars');
      await table.files.delete('_delta_log/_sidecars/4-second.parquet');
      return '_sidecars/4-second.parquet';
    },
    code: 'DELTA_LOG_CORRUPT',
  },
  {
    what: 'a multi-part checkpoint without one of its parts',
    async apply(table) {
      await table.files.delete(checkpoint);
      await table.files.delete('_delta_log/_last_checkpoint');
      const { names } = await replaceLogByCheckpoint(table.store, root, 'two parts');
      await table.files.delete(`_delta_log/${names[1]}`);
      return 'multi-part checkpoint (version 4)';
    },
    code: 'DELTA_LOG_GAP',
  },
];

async function contentOf(store: ObjectStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { path, sizeBytes } of store.list('')) found.push(`${path} ${sizeBytes}`);
  return found;
}

for (const { what, apply, code, meets } of damages) {
  describe(`with ${what}`, () => {
    for (const [name, operation] of Object.entries(operations)) {
      if (meets !== undefined && !meets.includes(name)) continue;
      it(`${name} says which file it is, and deletes nothing`, async () => {
        const table = await setUp();
        const file = await apply(table);
        const before = await contentOf(table.store);
        await assert.rejects(operation(table), (error: unknown) => {
          assert.ok(error instanceof TributaryError, String(error));
          assert.equal(error.code, code, error.message);
          assert.ok(error.message.includes(file), `${error.message} does not name ${file}`);
          return true;
        });
        const after = new Set(await contentOf(table.store));
        assert.deepEqual(
          before.filter((object) => !after.has(object)),
          [],
        );
      });
    }
  });
}

describe('with damage anywhere', () => {
  it('upkeep ends in an error with a code or does its work, and the rows are there when the damage is mended', async () => {
    const random = seededRandom(29);
    const codes = new Set<string>();
    let done = 0;
    const names = [...Object.keys(operations), 'history'];
    const history = (table: TableOnStore): Promise<unknown> => readHistory(table);
    for (let attempt = 0; attempt < ofSeeds(220); attempt++) {
      const table = await setUp();
      if (attempt % 2 === 1) await withoutCommits(table);
      const wanted = await liveRows(table);
      const paths: string[] = [];
      for await (const { path } of table.files.list('')) paths.push(path);
      const path = paths[Math.floor(random.next() * paths.length)]!;
      const whole = (await table.files.read(path))!;
      const damaged = whole.slice(
        0,
        random.next() < 0.3 ? Math.floor(random.next() * whole.length) : undefined,
      );
      const at = Math.floor(random.next() * damaged.length);
      if (damaged.length > 0) damaged[at] = damaged[at]! ^ (1 << Math.floor(random.next() * 8));
      await table.files.put(path, damaged);
      const name = names[attempt % names.length]!;
      try {
        await (operations[name] ?? history)(table);
        done++;
        continue; // what it made of rows whose damage nothing shows is not for this test to say
      } catch (error) {
        assert.ok(error instanceof TributaryError, `${name}, ${path}, byte ${at}: ${(error as Error).stack}`);
        codes.add(error.code);
      }
      await table.files.put(path, whole);
      assert.deepEqual(await liveRows(table), wanted, `${name}, ${path}`);
    }
    assert.ok(done > ofSeeds(50), `${done} done`);
    for (const code of ['DELTA_LOG_CORRUPT', 'PARQUET_INVALID'])
      assert.ok(codes.has(code), [...codes].join());
  });
});
