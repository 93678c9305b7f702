// We read random tables of Spark as Spark reads them: rows of all versions, the log, times of commits, what may be skipped.
// `INTEROP_SEEDS=100-200` tries these seeds instead of the few that are always tried.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Random, seededRandom } from '../../shared/base/index.js';
import {
  type Literal,
  type Predicate,
  parseTableColumns,
  readCommitTimes,
  type Snapshot,
  scanTable,
  type TableColumn,
} from '../../shared/delta/index.js';
import { canonicalRows } from '../support/canonicalRows.js';
import { reverseCleanup } from '../support/cleanup.js';
import { deleteCommits } from '../support/foreignTable.js';
import { Engines, rowTexts } from './engines.js';
import { createTableFolder, openAt, ourRowTexts, type SharedTable } from './ourTable.js';
import { prepareSpark } from './python.js';
import { RandomTable } from './randomTables.js';

const obstacle = prepareSpark();
const wanted = process.env.INTEROP_SEEDS;
const [firstSeed = 1, lastSeed = firstSeed] = (wanted ?? '1').split('-').map(Number);
const seeds = Array.from({ length: lastSeed - firstSeed + 1 }, (_, index) => firstSeed + index);
/** Statements that Spark takes for each table. */
const stepCount = wanted === undefined ? 8 : 14;

describe('we read random tables of Spark', { skip: obstacle ?? false }, () => {
  const cleanup = reverseCleanup({ after });
  let engines: Engines;
  let tableNamed: (name: string) => SharedTable;

  before(async () => {
    tableNamed = createTableFolder(cleanup);
    engines = await Engines.start(cleanup);
  });

  /** @returns the names of the steps that Spark took */
  async function write(table: SharedTable, random: Random): Promise<string[]> {
    const planned = new RandomTable(random, `delta.\`${table.path}\``);
    const taken: string[] = [];
    for (let tried = 0; taken.length < stepCount; tried++) {
      assert.ok(tried < 5 * stepCount, `Spark takes hardly anything: ${taken}`);
      const step = taken.length === 0 ? planned.create('create') : planned.next();
      const reset = Object.fromEntries(Object.keys(step.settings).map((key) => [key, null]));
      await engines.ask('setSpark', { settings: step.settings });
      try {
        await engines.sql(step.statement);
        taken.push(step.name);
      } catch (error) {
        // Not everything goes together; that Spark still works shows in the comparison.
        if (wanted !== undefined) console.log(`Spark refused: ${step.name}: ${String(error).slice(0, 300)}`);
      } finally {
        await engines.ask('setSpark', { settings: reset });
      }
      if (taken.length > 0) planned.follow(await openAt(table));
    }
    return taken;
  }

  async function assertSameRows(table: SharedTable, version?: number): Promise<Snapshot> {
    const at = version === undefined ? {} : { version };
    const { rows, count } = await engines.ask('sparkRead', { path: table.path, ...at });
    const snapshot = await openAt(table, version);
    assert.deepEqual(await ourRowTexts(table, snapshot), rowTexts(rows), `version ${snapshot.version}`);
    if (snapshot.totalRows !== undefined) assert.equal(snapshot.totalRows, count, 'rows in the log');
    return snapshot;
  }

  async function assertSameLog(table: SharedTable, snapshot: Snapshot): Promise<void> {
    const log = await engines.ask('sparkLog', { path: table.path, isFresh: true });
    assert.equal(snapshot.version, log.version);
    assert.equal(snapshot.files.size, log.fileCount);
    assert.deepEqual(Object.fromEntries(snapshot.transactions), log.transactions);
    const history = await engines.sql(`describe history delta.\`${table.path}\``);
    const times = (await readCommitTimes(table)).map(({ version, timestampMs }) => ({
      version: String(version),
      timestamp: `${new Date(timestampMs).toISOString().slice(0, -1)}000Z`,
    }));
    assert.deepEqual(times, history.map(({ version, timestamp }) => ({ version, timestamp })).reverse());
  }

  for (const seed of seeds) {
    it(`seed ${seed}`, async () => {
      const random = seededRandom(seed);
      const table = tableNamed(`table ${seed} \u00FC`);
      const taken = await write(table, random);
      try {
        const newest = await assertSameRows(table);
        await assertSameLog(table, newest);
        for (let count = 0; count < 3; count++)
          await assertSameRows(table, Math.floor(random.next() * newest.version));
        await assertSkipsSoundly(table, newest, random);
        const checkpoints = readdirSync(join(table.path, '_delta_log')).filter((name) =>
          name.includes('.checkpoint.'),
        );
        if (checkpoints.length === 0) return;
        await deleteCommits(table.store, table.root, 0, checkpointVersion(checkpoints) - 1);
        assert.deepEqual(
          await ourRowTexts(table, await openAt(table)),
          await ourRowTexts(table, newest),
          'without the commits before the checkpoint',
        );
      } catch (error) {
        console.log(`seed ${seed}: ${taken.join(', ')}`);
        throw error;
      }
    });
  }
});

/** Of the newest checkpoint that is whole. */
function checkpointVersion(names: readonly string[]): number {
  return Math.max(...names.map((name) => Number(name.slice(0, 20))));
}

/** A row is found by conditions that its own values fulfil, whatever the statistics say. */
async function assertSkipsSoundly(table: SharedTable, snapshot: Snapshot, random: Random): Promise<void> {
  const columns = parseTableColumns(snapshot.metadata.schemaString);
  const rows = await ourRowTexts(table, snapshot);
  if (rows.length === 0) return;
  for (let count = 0; count < 40; count++) {
    const text = rows[Math.floor(random.next() * rows.length)]!;
    const filesMatching = conditionOf(columns, JSON.parse(text) as Record<string, unknown>, random);
    if (filesMatching === undefined) continue;
    const found: string[] = [];
    for await (const batch of scanTable({ ...table, snapshot, filesMatching }))
      found.push(...canonicalRows(batch, columns));
    assert.ok(found.includes(text), `${JSON.stringify(filesMatching, spellBigInt)} loses ${text}`);
  }
}

const spellBigInt = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value);

/** One that the row fulfils, on a column or on a field of structs; undefined for values that conditions cannot name. */
function conditionOf(
  columns: readonly TableColumn[],
  row: Readonly<Record<string, unknown>>,
  random: Random,
): Predicate | undefined {
  const path: string[] = [];
  let fields = columns;
  let value: unknown = row;
  for (;;) {
    const { name, type } = fields[Math.floor(random.next() * fields.length)]!;
    path.push(name);
    value = (value as Readonly<Record<string, unknown>> | null)?.[name] ?? null;
    if (typeof type === 'object' && type.kind === 'struct') {
      fields = type.fields;
      continue;
    }
    if (typeof type === 'object' && type.kind !== 'decimal') return undefined;
    if (value === null) return { kind: 'isNull', column: path };
    const literal = literalOf(type, value);
    if (literal === undefined) return undefined;
    const comparison = (['=', '<=', '>='] as const)[Math.floor(random.next() * 3)]!;
    return { kind: 'compare', column: path, comparison, value: literal };
  }
}

function literalOf(type: TableColumn['type'], value: unknown): Literal | undefined {
  if (type === 'long') return BigInt(String(value));
  if (type === 'binary') return undefined;
  if (value === '-0.0') return type === 'double' || type === 'float' ? -0 : '-0.0';
  if ((type === 'double' || type === 'float') && typeof value === 'string') return undefined;
  return value as Literal;
}
