// What every object store must do (the contract written in shared/storage/objectStore.ts), as a suite.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TributaryError } from '../../shared/base/index.js';
import { comparePaths, type ObjectStore, storeBelow } from '../../shared/storage/index.js';

export interface StoreContractOptions {
  readonly name: string;
  /** An empty store, another one at each call. */
  readonly createStore: () => Promise<ObjectStore> | ObjectStore;
  /** Objects in the listing that must follow pages. */
  readonly manyObjects: number;
  /** Where a path is a file or a folder, `b` and `b/1` cannot both be there. Default false. */
  readonly isFileSystem?: boolean;
}

const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);
const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);

const awkwardNames = [
  'a b',
  'a%2Fb',
  'a%20b',
  '100%',
  'a#b',
  'a?b=c&d',
  'a+b',
  'a=b',
  "it's (a) name!",
  'M\u00fcnchen',
  '\u65e5\u672c',
  'smile-\u{1f600}',
  'colon: here',
  'p=US%2FEast/part-00000.parquet',
  '{curly}[square]^~`|<>"',
  '_delta_log/00000000000000000000.json',
];

const invalidPaths = [
  '',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  'a/../b',
  './a',
  'a/.',
  'a\\b',
  'a\u0000b',
  'x\ud83d',
  'y'.repeat(1025),
];

async function namesIn(listing: AsyncIterable<{ readonly path: string }>): Promise<string[]> {
  const names: string[] = [];
  for await (const info of listing) names.push(info.path);
  return names;
}

async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<unknown>) {
  const queue = [...items];
  const workers = Array.from({ length: width }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  });
  await Promise.all(workers);
}

const isInvalidPath = (error: unknown): boolean =>
  error instanceof TributaryError && error.code === 'STORAGE_INVALID_PATH';

export function describeStoreContract(options: StoreContractOptions): void {
  const { createStore } = options;

  describe(`the store contract: ${options.name}`, () => {
    it('answers undefined for a missing object, and false when deleting it', async () => {
      const store = await createStore();
      assert.equal(await store.read('missing'), undefined);
      assert.equal(await store.read('missing', { start: 0, end: 0 }), undefined);
      assert.equal(await store.read('missing', { start: 3, end: 9 }), undefined);
      assert.equal(await store.head('missing'), undefined);
      assert.equal(await store.delete('missing'), false);
    });

    it('reads what was put, and what overwrote it', async () => {
      const store = await createStore();
      await store.put('folder/object', bytesOf('first'));
      assert.equal(textOf(await store.read('folder/object')), 'first');
      await store.put('folder/object', bytesOf('the second'));
      assert.equal(textOf(await store.read('folder/object')), 'the second');
      const info = await store.head('folder/object');
      assert.equal(info?.path, 'folder/object');
      assert.equal(info?.sizeBytes, 10);
      assert.ok(Number.isFinite(info?.lastModifiedMs));
    });

    it('keeps empty objects and objects with every byte value', async () => {
      const store = await createStore();
      await store.put('empty', new Uint8Array(0));
      assert.deepEqual(await store.read('empty'), new Uint8Array(0));
      assert.deepEqual(await store.read('empty', { start: 0, end: 5 }), new Uint8Array(0));
      const all = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
      await store.put('all', all);
      assert.deepEqual(new Uint8Array((await store.read('all'))!), all);
    });

    it('stores the part of a buffer that a view shows, and does not share memory with its callers', async () => {
      const store = await createStore();
      const buffer = bytesOf('0123456789');
      await store.put('view', buffer.subarray(2, 5));
      buffer.fill(0);
      const first = (await store.read('view'))!;
      assert.equal(textOf(first), '234');
      first.fill(0);
      assert.equal(textOf(await store.read('view')), '234');
    });

    it('cuts a range to the end of the object', async () => {
      const store = await createStore();
      await store.put('digits', bytesOf('0123456789'));
      const range = async (start: number, end: number) => textOf(await store.read('digits', { start, end }));
      assert.equal(await range(0, 4), '0123');
      assert.equal(await range(3, 4), '3');
      assert.equal(await range(8, 100), '89');
      assert.equal(await range(9, 10), '9');
      assert.equal(await range(10, 20), '');
      assert.equal(await range(50, 60), '');
      assert.equal(await range(4, 4), '');
    });

    it('lets exactly one of forty rivals create an object, whole', async () => {
      const store = await createStore();
      for (const round of [1, 2, 3]) {
        const path = `race/${round}`;
        const rivals = Array.from({ length: 40 }, (_, index) => `rival ${index} `.repeat(50));
        const results = await Promise.all(rivals.map((text) => store.putIfAbsent(path, bytesOf(text))));
        const winners = rivals.filter((_, index) => results[index]?.kind === 'created');
        assert.equal(winners.length, 1);
        assert.equal(textOf(await store.read(path)), winners[0]);
      }
    });

    it('does not touch an object that putIfAbsent finds, and creates it again after a delete', async () => {
      const store = await createStore();
      assert.deepEqual(await store.putIfAbsent('once', bytesOf('first')), { kind: 'created' });
      assert.deepEqual(await store.putIfAbsent('once', bytesOf('second')), { kind: 'exists' });
      assert.equal(textOf(await store.read('once')), 'first');
      assert.equal(await store.delete('once'), true);
      assert.equal(await store.read('once'), undefined);
      assert.deepEqual(await store.putIfAbsent('once', bytesOf('third')), { kind: 'created' });
    });

    it('keeps awkward names as they are', async () => {
      const store = await createStore();
      for (const name of awkwardNames) await store.putIfAbsent(`names/${name}`, bytesOf(name));
      const expected = awkwardNames.map((name) => `names/${name}`).sort(comparePaths);
      assert.deepEqual(await namesIn(store.list('names/')), expected);
      for (const name of awkwardNames) {
        assert.equal(textOf(await store.read(`names/${name}`)), name);
        assert.equal((await store.head(`names/${name}`))?.path, `names/${name}`);
        assert.equal(await store.delete(`names/${name}`), true);
      }
      assert.deepEqual(await namesIn(store.list('')), []);
    });

    it('lists by prefix and from a name on, in order', async () => {
      const store = await createStore();
      const allowed = (names: readonly string[]) =>
        names.filter((name) => options.isFileSystem !== true || (name !== 'b' && name !== 'b/1'));
      const listed = async (prefix: string, startAfter?: string) =>
        namesIn(store.list(prefix, startAfter === undefined ? {} : { startAfter }));
      for (const name of allowed(['b/2', 'a/1', 'b/10', 'b/1', 'b', 'c/1', 'b/1/deep']))
        await store.put(name, bytesOf('x'));
      assert.deepEqual(await listed(''), allowed(['a/1', 'b', 'b/1', 'b/1/deep', 'b/10', 'b/2', 'c/1']));
      assert.deepEqual(await listed('b/'), allowed(['b/1', 'b/1/deep', 'b/10', 'b/2']));
      assert.deepEqual(await listed('b/1'), allowed(['b/1', 'b/1/deep', 'b/10']));
      assert.deepEqual(await listed('b/', 'b/1'), ['b/1/deep', 'b/10', 'b/2']);
      assert.deepEqual(await listed('b/', 'b/100'), ['b/2']);
      assert.deepEqual(await listed('b/', 'a'), allowed(['b/1', 'b/1/deep', 'b/10', 'b/2']));
      assert.deepEqual(await listed('b/', 'c'), []);
      assert.deepEqual(await listed('nothing/'), []);
    });

    it(`follows the pages of a listing of ${options.manyObjects} objects`, async () => {
      const store = await createStore();
      const names = Array.from(
        { length: options.manyObjects },
        (_, index) => `many/${String(index).padStart(6, '0')}`,
      );
      await inParallel(names, 16, (name) => store.put(name, bytesOf(name)));
      assert.deepEqual(await namesIn(store.list('many/')), names);
      const middle = names[Math.floor(names.length / 2)]!;
      assert.deepEqual(
        await namesIn(store.list('many/', { startAfter: middle })),
        names.slice(Math.floor(names.length / 2) + 1),
      );
    });

    it('refuses paths that are empty, absolute, too long or could leave their folder', async () => {
      const store = await createStore();
      for (const path of invalidPaths) {
        const shown = JSON.stringify(path.slice(0, 20));
        await assert.rejects(store.read(path), isInvalidPath, `read ${shown}`);
        await assert.rejects(store.head(path), isInvalidPath, `head ${shown}`);
        await assert.rejects(store.put(path, bytesOf('x')), isInvalidPath, `put ${shown}`);
        await assert.rejects(store.putIfAbsent(path, bytesOf('x')), isInvalidPath, `putIfAbsent ${shown}`);
        await assert.rejects(store.delete(path), isInvalidPath, `delete ${shown}`);
      }
      for (const prefix of ['/', '../', 'a/../b', 'a\\b', 'a//']) {
        await assert.rejects(namesIn(store.list(prefix)), isInvalidPath, `list ${prefix}`);
      }
    });

    it('shows a folder as a store of its own that cannot be left', async () => {
      const store = await createStore();
      await store.put('outside', bytesOf('secret'));
      await store.put('tables/readings2/a', bytesOf('other table'));
      const table = storeBelow(store, 'tables/readings/');
      assert.deepEqual(await table.putIfAbsent('log/1', bytesOf('one')), { kind: 'created' });
      assert.deepEqual(await table.putIfAbsent('log/1', bytesOf('two')), { kind: 'exists' });
      await table.put('log/2', bytesOf('two'));
      assert.equal(textOf(await store.read('tables/readings/log/1')), 'one');
      assert.equal(textOf(await table.read('log/1', { start: 1, end: 3 })), 'ne');
      assert.equal((await table.head('log/2'))?.path, 'log/2');
      assert.deepEqual(await namesIn(table.list('')), ['log/1', 'log/2']);
      assert.deepEqual(await namesIn(table.list('log/', { startAfter: 'log/1' })), ['log/2']);
      for (const path of ['../../outside', '..', '/outside', '']) {
        await assert.rejects(table.read(path), isInvalidPath, path);
        await assert.rejects(table.put(path, bytesOf('x')), isInvalidPath, path);
      }
      await assert.rejects(namesIn(table.list('../')), isInvalidPath);
      assert.throws(() => storeBelow(store, '../tables'), isInvalidPath);
      assert.equal(await table.delete('log/1'), true);
      assert.equal(textOf(await store.read('outside')), 'secret');
    });
  });
}
