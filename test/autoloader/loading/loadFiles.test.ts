// Files that land become rows: lineage, evolution of the table, bad records, files that are gone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadBatch, loadFiles } from '../../../shared/autoloader/index.js';
import { TributaryError } from '../../../shared/base/index.js';
import { ProcessKilled } from '../../support/faultyStore.js';
import { FileWorld, landingWith, startMs, streamOf, type TableRow } from '../../support/fileStreams.js';
import { storeWith } from '../../support/storeWith.js';

const golden = join(import.meta.dirname, '..', '..', '..', '..', 'test', 'golden', 'seed');

/** What a person would do: list, then load until nothing waits. */
async function load(world: FileWorld, stream = world.stream) {
  const opened = world.open({}, stream);
  await opened.discovery.list();
  return loadFiles(opened.loader);
}

const without = (row: TableRow, ...names: string[]) =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));
const lineage = ['_file_path', '_file_modified', '_file_row', '_ingest_time', '_rescued_data'];

async function statesOf(world: FileWorld): Promise<Record<string, string>> {
  const states: Record<string, string> = {};
  for await (const { path, state } of world.open().ledger.files()) states[path] = state;
  return states;
}

describe('loading files', () => {
  it('makes a row of every record, with its file, its place in it, and the time of its batch', async () => {
    const world = new FileWorld();
    world.putJson('a.json', { id: 'x', n: 1 }, { id: 'y', n: 2 });
    world.clock.advance(5_000);
    const batches = await load(world);
    assert.deepEqual(batches, [{ batch: 0, version: 1, fileCount: 1, rowCount: 2, badCount: 0 }]);
    assert.deepEqual(await world.rows(), [
      {
        id: 'x',
        n: 1,
        _rescued_data: null,
        _file_path: 'a.json',
        _file_modified: startMs * 1000,
        _file_row: 0,
        _ingest_time: (startMs + 5_000) * 1000,
      },
      {
        id: 'y',
        n: 2,
        _rescued_data: null,
        _file_path: 'a.json',
        _file_modified: startMs * 1000,
        _file_row: 1,
        _ingest_time: (startMs + 5_000) * 1000,
      },
    ]);
    assert.equal((await world.snapshot()).transactions.get('autoloader/landed'), 0);
  });

  it('loads nothing twice, and new files when they come', async () => {
    const world = new FileWorld();
    world.putJson('a.json', { n: 1 });
    await load(world);
    assert.deepEqual(await load(world), []);
    world.putJson('b.json', { n: 2 });
    world.putJson('a.json', { n: 3 });
    const [batch] = await load(world);
    assert.equal(batch?.rowCount, 1);
    assert.deepEqual(await world.identities(), ['a.json#000000', 'b.json#000000']);
  });

  it('loads a file that was written over as another one with allowOverwrites', async () => {
    const world = new FileWorld(streamOf({ allowOverwrites: true }));
    world.putJson('a.json', { n: 1 });
    await load(world);
    world.putJson('a.json', { n: 2 });
    await load(world);
    assert.deepEqual(
      (await world.rows()).map(({ n }) => n),
      [1, 2],
    );
  });

  it('turns the files of the seed into its table, and loses nothing on the way', async () => {
    const world = new FileWorld(
      streamOf({
        schemaHints: { ts: 'timestamp', temperature: 'double', status: 'string' },
        rename: { local_ts: 'ts' },
      }),
    );
    for (const name of ['iot_sample.json', 'iot_sample_part2.json', 'iot_sample_with_alerts.json'])
      world.put(name, readFileSync(join(golden, name)));
    await load(world);
    const rows = await world.rows();
    assert.equal(rows.length, 40);
    assert.deepEqual(without(rows[0]!, ...lineage), {
      deviceId: 'sensor-001',
      local_ts: Date.parse('2025-10-05T18:40:10Z') * 1000,
      temperature: 22.5,
      humidity: 41.8,
      pressure: 1012.3,
      battery: 0.94,
      lat: 49.2827,
      lon: -123.1207,
      status: 'OK',
    });

    // Its two traps: a value that is no number, and a column that is new.
    world.putJson('bad.json', { deviceId: 'sensor-009', ts: '2025-10-05T18:50:00Z', temperature: 'abc' });
    world.putJson('new.json', { deviceId: 'sensor-010', ts: '2025-10-05T18:50:00Z', co2: 415 });
    await load(world);
    const after = await world.rows();
    const bad = after.find(({ _file_path }) => _file_path === 'bad.json')!;
    assert.equal(bad.temperature, null);
    assert.deepEqual(JSON.parse(String(bad._rescued_data)), { temperature: 'abc', _file_path: 'bad.json' });
    const added = after.find(({ _file_path }) => _file_path === 'new.json')!;
    assert.equal(added.co2, 415);
    assert.equal(added._rescued_data, null);
    assert.equal(after.find(({ deviceId }) => deviceId === 'sensor-001')?.co2, null);
  });

  it('keeps bad records in quarantine with their coordinates', async () => {
    const world = new FileWorld();
    world.put('a.ndjson', '{"n":1}\nnot json\n{"n":2}\n');
    const [batch] = await load(world);
    assert.deepEqual(batch, { batch: 0, version: 1, fileCount: 1, rowCount: 2, badCount: 1 });
    assert.deepEqual(await world.identities(), ['a.ndjson#000000', 'a.ndjson#000002']);
    const [row] = await world.rows('quarantine');
    const { reason, body, _source, _partition, _sequence_number, _index, properties } = row!;
    assert.deepEqual(
      { reason, _source, _partition, _sequence_number, _index },
      {
        reason: 'invalid_json',
        _source: 'files/landed',
        _partition: 'a.ndjson',
        _sequence_number: 0,
        _index: 1,
      },
    );
    assert.equal(new TextDecoder().decode(body as Uint8Array), 'not json');
    assert.equal((JSON.parse(String(properties)) as { offset: number }).offset, 8);
  });

  it('commits a batch of files without records, and knows them from then on', async () => {
    const world = new FileWorld();
    world.put('empty.json', '');
    world.put('noise.bin', new Uint8Array([0, 255, 1, 254]));
    const [batch] = await load(world);
    assert.deepEqual([batch?.rowCount, batch?.badCount], [0, 1]);
    assert.deepEqual(await statesOf(world), { 'empty.json': 'committed', 'noise.bin': 'unreadable' });
    assert.deepEqual(await load(world), []);
    world.putJson('late.json', { n: 1 });
    await load(world);
    assert.equal((await world.rows())[0]?.n, 1);
  });

  it('cuts large files into data files of bounded size', async () => {
    const world = new FileWorld(streamOf(), { stage: { maxRows: 1_000 } });
    world.putJson('a.ndjson', ...Array.from({ length: 4_500 }, (_, n) => ({ n })));
    await load(world);
    const { files, totalRows } = await world.snapshot();
    assert.equal(totalRows, 4_500);
    assert.equal(files.size, 5);
    assert.deepEqual(
      (await world.rows()).map(({ n }) => n),
      Array.from({ length: 4_500 }, (_, n) => n),
    );
  });

  it('spreads a batch over groups, all in one commit', async () => {
    const world = new FileWorld(streamOf({ maxFilesPerBatch: 10 }), { group: { maxFiles: 3 } });
    for (let n = 0; n < 25; n++) world.putJson(`f${String(n).padStart(2, '0')}.json`, { n });
    const batches = await load(world);
    assert.deepEqual(
      batches.map(({ fileCount }) => fileCount),
      [10, 10, 5],
    );
    assert.equal((await world.snapshot()).version, 3);
    assert.equal((await world.rows()).length, 25);
  });

  it('takes thousands of files of one listing in commits of a thousand', async () => {
    const world = new FileWorld();
    for (let n = 0; n < 3_000; n++) world.put(`${n}.json`, `{"n":${n}}`);
    const { discovery, loader } = world.open();
    assert.deepEqual(await discovery.list(), { fileCount: 3_000, newCount: 3_000 });
    const batches = await loadFiles(loader);
    assert.deepEqual(
      batches.map(({ rowCount }) => rowCount),
      Array(3).fill(1_000),
    );
    assert.equal(new Set((await world.rows()).map(({ n }) => n)).size, 3_000);
  });

  it('obeys prefix and glob', async () => {
    const world = new FileWorld(streamOf({ prefix: 'in', glob: '*.json' }));
    for (const path of [
      'in/a.json',
      'in/deep/b.json',
      'in/c.csv',
      'other/d.json',
      'inside/e.json',
      'in/f.json.tmp',
    ])
      world.putJson(path, { n: 1 });
    await load(world);
    assert.deepEqual(await world.identities(), ['in/a.json#000000', 'in/deep/b.json#000000']);
    assert.equal(await world.open().discovery.enter('other/d.json'), false);
  });
});

describe('the table of a stream', () => {
  it('gets the columns of a later batch in the commit of their rows', async () => {
    const world = new FileWorld(streamOf(), { group: { maxFiles: 1 } });
    world.putJson('a.json', { n: 1 });
    await load(world);
    world.putJson('b.json', { n: 2 }, { n: 3, place: { lat: 1.5 } });
    world.putJson('c.json', { n: 4, place: { lon: 2 }, tags: ['x'] });
    const batches = await load(world);
    assert.equal(batches.length, 1);
    const rows = await world.rows();
    assert.deepEqual(
      rows.map(({ n, place, tags, _rescued_data }) => [n, place, tags, _rescued_data]),
      [
        [1, null, null, null],
        [2, null, null, null],
        [3, { lat: 1.5, lon: null }, null, null],
        [4, { lat: null, lon: 2 }, ['x'], null],
      ],
    );
    const schemas: string[] = [];
    for await (const { path } of world.lake.list('state/autoloader/landed/schemas/')) schemas.push(path);
    assert.deepEqual(schemas, [
      'state/autoloader/landed/schemas/0.json',
      'state/autoloader/landed/schemas/1.json',
    ]);
  });

  it('gets wider types where the mode says so, and only there', async () => {
    for (const mode of ['addNewColumns', 'addNewColumnsWithTypeWidening'] as const) {
      const world = new FileWorld(streamOf({ schemaEvolutionMode: mode, schemaHints: { n: 'int' } }));
      world.putJson('a.json', { n: 1 });
      await load(world);
      world.putJson('b.json', { n: 2.5 });
      await load(world);
      const rescued = (await world.rows())[1]?._rescued_data;
      const isWider = mode === 'addNewColumnsWithTypeWidening';
      assert.deepEqual(
        (await world.rows()).map(({ n }) => n),
        isWider ? [1, 2.5] : [1, null],
      );
      assert.equal(rescued === null, isWider);
    }
  });

  it('takes an error in a number for what it is, however often it comes', async () => {
    const world = new FileWorld(streamOf({ schemaEvolutionMode: 'addNewColumnsWithTypeWidening' }));
    world.putJson('a.json', { n: 1 });
    await load(world);
    world.putJson('b.json', { n: 'abc' }, { n: 'def' });
    await load(world);
    assert.deepEqual(
      (await world.rows()).map(({ n, _rescued_data: rescued }) => [n, rescued === null]),
      [
        [1, true],
        [null, false],
        [null, false],
      ],
    );
  });

  it('stays as it is in mode rescue, where new fields are rescued, and in mode none, where they are dropped', async () => {
    for (const mode of ['rescue', 'none'] as const) {
      const world = new FileWorld(streamOf({ schemaEvolutionMode: mode }));
      world.putJson('a.json', { n: 1 });
      await load(world);
      world.putJson('b.json', { n: 2, extra: true });
      await load(world);
      const [, row] = await world.rows();
      assert.equal('extra' in row!, false);
      assert.equal(row?._rescued_data === null, mode === 'none');
    }
  });

  it('makes mode failOnNewColumns stop with the names of columns and files, until the hints have them', async () => {
    const stream = streamOf({ schemaEvolutionMode: 'failOnNewColumns' });
    const world = new FileWorld(stream);
    world.putJson('a.json', { n: 1 });
    await load(world);
    world.putJson('b.json', { n: 2, extra: true });
    world.putJson('c.json', { n: 3 });
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(load(world), (error) => {
        assert.ok(error instanceof TributaryError);
        assert.equal(error.code, 'FILE_COLUMNS_UNEXPECTED');
        assert.match(error.message, /b\.json \(extra\)/);
        return true;
      });
    }
    assert.equal((await world.rows()).length, 1);
    await load(world, { ...stream, schemaHints: { extra: 'boolean' } });
    assert.deepEqual(
      (await world.rows()).map(({ n, extra }) => [n, extra]),
      [
        [1, null],
        [2, true],
        [3, null],
      ],
    );
  });

  it('says which hints are no types', () => {
    const stream = streamOf({ schemaHints: { ts: 'timestmp', n: 'decimal(50,2)', ok: 'double' } });
    assert.throws(
      () => new FileWorld(stream).open(),
      (error) =>
        error instanceof TributaryError &&
        error.code === 'CONFIG_INVALID' &&
        error.message.includes('files.landed.schemaHints.ts: "timestmp"') &&
        error.message.includes('files.landed.schemaHints.n:') &&
        !error.message.includes('schemaHints.ok'),
    );
  });

  it('takes names that every object of JavaScript has for names like others', async () => {
    const world = new FileWorld();
    world.put(
      'a.ndjson',
      '{"constructor":2,"toString":"t","valueOf":1,"in":{"__proto__":3,"hasOwnProperty":4}}',
    );
    await load(world);
    const [row] = await world.rows();
    assert.equal(row?._rescued_data, null);
    for (const [name, value] of [
      ['constructor', 2],
      ['toString', 't'],
      ['valueOf', 1],
    ] as const)
      assert.equal(row?.[name], value, name);
    const { schemaString } = (await world.snapshot()).metadata;
    assert.match(schemaString, /"name":"__proto__","type":"long"/);
    assert.match(schemaString, /"name":"hasOwnProperty","type":"long"/);
  });

  it('keeps rescued values whose names are those of the file path beside it', async () => {
    const world = new FileWorld(streamOf({ schemaEvolutionMode: 'rescue' }));
    world.putJson('0.json', { n: 0 });
    await load(world);
    world.putJson('1.json', { n: 1, _file_path: 'x', _file_path_: 'y' });
    await load(world);
    const [, row] = await world.rows();
    const rescued = { _file_path: 'x', _file_path_: 'y', _file_path__: '1.json' };
    assert.deepEqual(JSON.parse(String(row?._rescued_data)), rescued);
  });

  it('never gets a column twice when a record has the name that another field is renamed to', async () => {
    const world = new FileWorld(streamOf({ rename: { local_ts: 'ts' } }));
    world.putJson('a.json', { ts: 'one', local_ts: 'two', _file_row: 7, LOCAL_TS: 'three' });
    await load(world);
    const [row] = await world.rows();
    assert.equal(row?.local_ts, 'one');
    assert.equal(row?._file_row, 0);
    const { _file_path, ...rescued } = JSON.parse(String(row?._rescued_data)) as Record<string, unknown>;
    assert.deepEqual(rescued, { local_ts: 'two', _file_row: 7, LOCAL_TS: 'three' });
  });

  it('is refused when it is another one than the ledger knows', async () => {
    const world = new FileWorld();
    world.putJson('a.json', { n: 1 });
    await load(world);
    for await (const { path } of world.lake.list('tables/')) await world.lake.delete(path);
    world.putJson('b.json', { n: 2 });
    await assert.rejects(
      load(world),
      (error) => error instanceof TributaryError && error.code === 'FILE_LEDGER_MISMATCH',
    );
  });
});

describe('a batch that was settled long ago', () => {
  it('is not committed without its data files, and is read again once its record is deleted', async () => {
    const world = new FileWorld();
    world.putJson('a.json', { n: 1 });
    const dying = storeWith(world.lake, {
      putIfAbsent: async (path, bytes) => {
        if (path.includes('_delta_log')) throw new ProcessKilled();
        return world.lake.putIfAbsent(path, bytes);
      },
    });
    const { discovery, loader } = world.open({ lake: dying });
    await discovery.list();
    await assert.rejects(loadFiles(loader), ProcessKilled);
    for await (const { path } of world.lake.list('tables/')) await world.lake.delete(path);
    world.clock.advance(8 * 86_400_000);
    await assert.rejects(
      load(world),
      (error) =>
        error instanceof TributaryError &&
        error.code === 'FILE_LEDGER_MISMATCH' &&
        error.message.includes('delete state/autoloader/landed/0.json'),
    );
    await world.lake.delete('state/autoloader/landed/0.json');
    await load(world);
    assert.deepEqual(await world.identities(), ['a.json#000000']);
  });
});

describe('a file that is not what it was', () => {
  it('goes back to wait when it was written over before it was read', async () => {
    const world = new FileWorld();
    world.putJson('a.json', { n: 1 });
    world.putJson('b.json', { n: 2 });
    const { discovery, loader, ledger } = world.open();
    await discovery.list();
    const plan = await loader.plan();
    world.putJson('a.json', { n: 3 });
    assert.ok(plan.kind === 'batch');
    await loadBatch(loader, plan.load);
    assert.deepEqual(await world.identities(), ['b.json#000000']);
    assert.deepEqual(await ledger.outstanding(), { fileCount: 1, byteCount: 7 });
    await loadFiles(loader);
    assert.deepEqual(
      (await world.rows()).map(({ n }) => n),
      [3, 2],
    );
  });

  it('is recorded as missing when it was deleted before it was read', async () => {
    const world = new FileWorld();
    world.putJson('a.json', { n: 1 });
    world.putJson('b.json', { n: 2 });
    const { discovery, loader } = world.open();
    await discovery.list();
    await world.landing.delete((await world.landing.head('a.json'))!);
    await loadFiles(loader);
    assert.deepEqual(await world.identities(), ['b.json#000000']);
    assert.deepEqual(await statesOf(world), { 'a.json': 'missing', 'b.json': 'committed' });
    const [row] = await world.rows('quarantine');
    assert.deepEqual([row?.reason, row?._partition, row?._index], ['file_missing', 'a.json', -1]);
  });

  it('leaves no row behind when it goes away while it is read', async () => {
    const world = new FileWorld();
    const lines = Array.from({ length: 20_000 }, (_, n) => JSON.stringify({ n, pad: 'x'.repeat(580) }));
    world.put('a.ndjson', lines.join('\n'));
    world.putJson('b.json', { n: -1 });
    let reads = 0;
    const landing = landingWith(world.landing, {
      read: async (version, range) => {
        if (version.path === 'a.ndjson' && ++reads === 3)
          world.put('a.ndjson', `${lines.join('\n')}\n{"n":-2}`);
        return world.landing.read(version, range);
      },
    });
    const { discovery, loader, ledger } = world.open({ landing });
    await discovery.list();
    const plan = await loader.plan();
    assert.ok(plan.kind === 'batch');
    const loaded = await loadBatch(loader, plan.load);
    assert.ok(reads >= 3);
    assert.equal(loaded.rowCount, 1);
    assert.deepEqual((await ledger.outstanding()).fileCount, 1);
    await loadFiles(loader);
    assert.equal((await world.snapshot()).totalRows, 20_002);
  });
});

describe('files from before the stream', () => {
  it('are left alone when the stream says so', async () => {
    const world = new FileWorld(streamOf({ includeExistingFiles: false }));
    world.putJson('old.json', { n: 1 });
    world.clock.advance(1_000);
    await load(world);
    world.clock.advance(1_000);
    world.putJson('new.json', { n: 2 });
    await load(world);
    assert.deepEqual(await world.identities(), ['new.json#000000']);
    assert.deepEqual(await statesOf(world), { 'old.json': 'skipped', 'new.json': 'committed' });
  });

  it('are not even known when they are older than the stream goes back', async () => {
    const dayMs = 86_400_000;
    const world = new FileWorld(streamOf({ maxFileAgeMs: 14 * dayMs }));
    world.landing.put('old.json', new TextEncoder().encode('{"n":1}'), startMs - 15 * dayMs);
    world.putJson('new.json', { n: 2 });
    await load(world);
    assert.deepEqual(await statesOf(world), { 'new.json': 'committed' });
    world.clock.advance(15 * dayMs);
    assert.deepEqual(await world.open().clean(), { archivedCount: 0, forgottenCount: 1 });
    assert.deepEqual(await statesOf(world), {});
    assert.deepEqual(await load(world), []);
  });
});

describe('cleaning up after loading', () => {
  const dayMs = 86_400_000;

  it('moves files that are in the table, after their time', async () => {
    const stream = streamOf({
      prefix: 'in',
      cleanSource: { mode: 'move', moveTo: 'archive', retentionMs: dayMs },
    });
    const world = new FileWorld(stream);
    world.putJson('in/sub/a.json', { n: 1 });
    world.put('in/noise.bin', new Uint8Array([0, 255, 1, 254]));
    await load(world);
    assert.equal((await world.open().clean()).archivedCount, 0);
    world.clock.advance(dayMs);
    assert.equal((await world.open().clean()).archivedCount, 1);
    assert.equal((await world.open().clean()).archivedCount, 0);
    const paths: string[] = [];
    for await (const { path } of world.landing.list('')) paths.push(path);
    assert.deepEqual(paths, ['archive/sub/a.json', 'in/noise.bin']);
    assert.deepEqual(await load(world), []);
  });

  it('goes on past a file that cannot be moved, and says so at the end', async () => {
    const cleaning = { mode: 'move', moveTo: 'archive', retentionMs: 0 } as const;
    const world = new FileWorld(streamOf({ prefix: 'in', cleanSource: cleaning }));
    for (let n = 0; n < 5; n++) world.putJson(`in/${n}.json`, { n });
    await load(world);
    const refuses = (code: 'STORAGE_REJECTED' | 'STORAGE_DENIED') =>
      landingWith(world.landing, {
        move: (version, target) =>
          version.path === 'in/2.json'
            ? Promise.reject(new TributaryError(code, 'no'))
            : world.landing.move(version, target),
      });
    await assert.rejects(world.open({ landing: refuses('STORAGE_REJECTED') }).clean(), /no/);
    const left: string[] = [];
    for await (const { path } of world.landing.list('in/')) left.push(path);
    assert.deepEqual(left, ['in/2.json']);
    await assert.rejects(world.open({ landing: refuses('STORAGE_DENIED') }).clean(), /no/);
    assert.equal((await world.open().clean()).archivedCount, 1);
  });

  it('deletes them, but not what was written over them since', async () => {
    const world = new FileWorld(streamOf({ cleanSource: { mode: 'delete', retentionMs: 7 * dayMs } }));
    world.putJson('a.json', { n: 1 });
    world.putJson('b.json', { n: 2 });
    await load(world);
    world.putJson('b.json', { n: 3 });
    world.clock.advance(8 * dayMs);
    assert.equal((await world.open().clean()).archivedCount, 1);
    assert.equal(await world.landing.head('a.json'), undefined);
    assert.notEqual(await world.landing.head('b.json'), undefined);
    world.putJson('a.json', { n: 4 });
    assert.deepEqual(await load(world), []);
  });
});
