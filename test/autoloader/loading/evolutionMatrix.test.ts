// Each evolution mode against each kind of change, through the loader into a table that DuckDB reads back.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadFiles } from '../../../shared/autoloader/index.js';
import { TributaryError } from '../../../shared/base/index.js';
import type { SchemaEvolutionMode } from '../../../shared/pipeline/index.js';
import { storeBelow } from '../../../shared/storage/index.js';
import { queryTable } from '../../support/duckdb.js';
import { FileWorld, streamOf } from '../../support/fileStreams.js';

const modes: readonly SchemaEvolutionMode[] = [
  'addNewColumns',
  'addNewColumnsWithTypeWidening',
  'rescue',
  'failOnNewColumns',
  'none',
];
const first = { id: 1, whole: 1, real: 1.5, text: 'a', place: { lat: 1.5 } };

/** What becomes of the second record: where its value is, or that its file is refused. */
type Outcome = 'column' | 'rescued' | 'dropped' | 'refused';

interface Change {
  readonly what: string;
  readonly record: Record<string, unknown>;
  /** SQL over the row; null where the value has no column. */
  readonly value: string;
  readonly expected: unknown;
  readonly path: readonly string[];
  readonly outcomes: Readonly<Record<SchemaEvolutionMode, Outcome>>;
}

const everywhere = (outcome: Outcome) =>
  Object.fromEntries(modes.map((mode) => [mode, outcome])) as Record<SchemaEvolutionMode, Outcome>;
const newField: Change['outcomes'] = {
  addNewColumns: 'column',
  addNewColumnsWithTypeWidening: 'column',
  rescue: 'rescued',
  failOnNewColumns: 'refused',
  none: 'dropped',
};

const changes: readonly Change[] = [
  {
    what: 'nothing new',
    record: { text: 'b' },
    value: 'text',
    expected: 'b',
    path: ['text'],
    outcomes: everywhere('column'),
  },
  {
    what: 'a column that is gone',
    record: { text: 'b' },
    value: 'whole',
    expected: undefined,
    path: ['whole'],
    outcomes: everywhere('dropped'),
  },
  {
    what: 'a renamed column',
    record: { label: 'b' },
    value: 'label',
    expected: 'b',
    path: ['label'],
    outcomes: newField,
  },
  {
    what: 'a new column',
    record: { extra: 'x' },
    value: 'extra',
    expected: 'x',
    path: ['extra'],
    outcomes: newField,
  },
  {
    what: 'a new field of a struct',
    record: { place: { lon: 2.5 } },
    value: 'place.lon',
    expected: 2.5,
    path: ['place', 'lon'],
    outcomes: newField,
  },
  {
    what: 'a wider number',
    record: { whole: 2.5 },
    value: 'whole',
    expected: 2.5,
    path: ['whole'],
    outcomes: { ...everywhere('rescued'), addNewColumnsWithTypeWidening: 'column' },
  },
  {
    what: 'a narrower number',
    record: { real: 2 },
    value: 'real',
    expected: 2,
    path: ['real'],
    outcomes: everywhere('column'),
  },
  {
    what: 'text in a number',
    record: { whole: 'abc' },
    value: 'whole',
    expected: 'abc',
    path: ['whole'],
    outcomes: everywhere('rescued'),
  },
  {
    what: 'an object in a number',
    record: { whole: { a: 1 } },
    value: 'whole',
    expected: { a: 1 },
    path: ['whole'],
    outcomes: everywhere('rescued'),
  },
  {
    what: 'a name of another case',
    record: { TEXT: 'c' },
    value: 'text',
    expected: 'c',
    path: ['TEXT'],
    outcomes: { ...everywhere('rescued'), none: 'dropped' },
  },
  {
    what: 'null in a new column',
    record: { nothing: null },
    value: 'null',
    expected: undefined,
    path: ['nothing'],
    outcomes: everywhere('dropped'),
  },
];

async function load(world: FileWorld): Promise<void> {
  const { discovery, loader } = world.open();
  await discovery.list();
  await loadFiles(loader);
}

async function secondRow(world: FileWorld, value: string) {
  const { metadata } = await world.snapshot();
  const columns = (JSON.parse(metadata.schemaString) as { fields: { name: string }[] }).fields;
  const isThere = columns.some(({ name }) => name === value.split('.')[0]);
  const place = columns.some(({ name }) => name === 'place') && value.startsWith('place.');
  const lacksField = place && !metadata.schemaString.includes(`"name":"${value.split('.')[1]}"`);
  const shown = isThere && !lacksField ? value : 'null';
  const store = storeBelow(world.lake, 'tables/landed');
  const sql = `select ${shown} as value, _rescued_data as rescued from {files} where id = 2`;
  const [row] = await queryTable(store, await world.snapshot(), sql);
  return row!;
}

function memberOf(rescued: unknown, path: readonly string[]): unknown {
  let value: unknown = rescued === null ? {} : JSON.parse(String(rescued));
  for (const name of path) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}

describe('schema evolution, read back with DuckDB', () => {
  for (const mode of modes) {
    for (const { what, record, value, expected, path, outcomes } of changes) {
      const outcome = outcomes[mode];
      it(`mode ${mode}: ${what} is ${outcome === 'column' ? 'in its column' : outcome}`, async () => {
        const world = new FileWorld(streamOf({ schemaEvolutionMode: mode }));
        world.putJson('first.json', first);
        await load(world);
        world.putJson('second.json', { id: 2, ...record });
        if (outcome === 'refused') {
          await assert.rejects(
            load(world),
            (error) => error instanceof TributaryError && error.code === 'FILE_COLUMNS_UNEXPECTED',
          );
          assert.equal((await world.rows()).length, 1);
          return;
        }
        await load(world);
        const row = await secondRow(world, value);
        if (outcome === 'column') {
          assert.equal(Number.isNaN(Number(row.value)) ? row.value : Number(row.value), expected);
          assert.equal(row.rescued, null);
        } else {
          assert.equal(row.value, null);
          assert.deepEqual(memberOf(row.rescued, path), outcome === 'rescued' ? expected : undefined);
        }
      });
    }
  }
});
