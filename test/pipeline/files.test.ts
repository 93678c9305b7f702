// What definePipeline makes of `files`, and the message for everything it refuses there.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TributaryError } from '../../shared/base/index.js';
import { definePipeline, type FileStream, type PipelineDefinition } from '../../shared/pipeline/index.js';

const base = {
  source: { eventHub: 'hub' },
  deviceId: { from: 'id' },
  eventTime: { from: 'time' },
  fields: { temperature: { type: 'double' } },
} as const satisfies PipelineDefinition;

const dayMs = 86_400_000;

function streamOf(definition: unknown): FileStream {
  const { files } = definePipeline({ ...base, files: { landed: definition } } as PipelineDefinition);
  return files[0]!;
}

function problemsOf(files: unknown): string[] {
  try {
    definePipeline({ ...base, files } as PipelineDefinition);
  } catch (error) {
    assert.ok(error instanceof TributaryError);
    assert.equal(error.code, 'CONFIG_INVALID');
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^- /, ''));
  }
  return [];
}

function problemsOfStream(definition: Record<string, unknown>): string[] {
  return problemsOf({ landed: { container: 'input-files', ...definition } });
}

describe('files in a definition', () => {
  it('get every default', () => {
    assert.deepEqual(streamOf({ container: 'input-files' }), {
      name: 'landed',
      container: 'input-files',
      prefix: '',
      glob: '**',
      connection: 'LandingStorage',
      format: 'auto',
      csv: { header: true, delimiter: ',', quote: '"' },
      table: 'landed',
      schemaHints: {},
      rename: {},
      inferColumnTypes: true,
      schemaEvolutionMode: 'addNewColumns',
      includeExistingFiles: true,
      allowOverwrites: false,
      maxFileAgeMs: undefined,
      maxFilesPerBatch: 1_000,
      maxBytesPerBatch: 1_073_741_824,
      backfillSchedule: '0 */10 * * * *',
      cleanSource: { mode: 'off', retentionMs: 30 * dayMs, moveTo: undefined },
    });
  });

  it('keep everything that is said', () => {
    const definition = {
      container: 'input-files',
      prefix: 'iot/incoming/',
      glob: '**/*.csv',
      connection: 'OtherStorage',
      format: 'csv',
      csv: { header: false, delimiter: '\t', quote: "'" },
      table: 'parsed',
      schemaHints: { ts: 'timestamp', 'location.lat': 'double' },
      rename: { local_ts: 'ts' },
      inferColumnTypes: false,
      schemaEvolutionMode: 'rescue',
      includeExistingFiles: false,
      allowOverwrites: true,
      maxFileAgeMs: 14 * dayMs,
      maxFilesPerBatch: 12_000,
      maxBytesPerBatch: 1,
      backfillSchedule: '%BACKFILL%',
      cleanSource: { mode: 'move', retentionMs: 0, moveTo: 'archive' },
    };
    assert.deepEqual(streamOf(definition), { ...definition, name: 'landed', prefix: 'iot/incoming' });
  });

  it('are none when the definition has none', () => {
    assert.deepEqual(definePipeline(base).files, []);
    assert.deepEqual(definePipeline({ ...base, files: {} }).files, []);
  });

  const refused: readonly [what: string, definition: Record<string, unknown>, problem: RegExp][] = [
    [
      'a missing container',
      { container: undefined },
      /^files\.landed\.container: missing; it must be the name/,
    ],
    [
      'a container that cannot be',
      { container: 'Input_Files' },
      /^files\.landed\.container: is "Input_Files"; a container's name/,
    ],
    ['an unknown key', { globe: '*' }, /^files\.landed\.globe: unknown key\. Did you mean "glob"\?$/],
    [
      'a prefix from the root',
      { prefix: '/iot' },
      /^files\.landed\.prefix: is "\/iot"; write a folder without/,
    ],
    ['a prefix that leaves', { prefix: 'a/../b' }, /^files\.landed\.prefix: is "a\/\.\.\/b"/],
    ['a prefix that is no text', { prefix: 7 }, /^files\.landed\.prefix: is 7; it must be a folder/],
    ['braces in a glob', { glob: '*.{json,csv}' }, /^files\.landed\.glob: has "\{"; only "\*"/],
    ['a glob from the root', { glob: '/*.json' }, /^files\.landed\.glob: starts with "\/"/],
    [
      'a secret as a connection',
      { connection: 'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5' },
      /^files\.landed\.connection: holds a connection string/,
    ],
    [
      'a format that is none',
      { format: 'jsonl' },
      /^files\.landed\.format: is "jsonl"; it must be one of "auto"/,
    ],
    [
      'two characters as a delimiter',
      { csv: { delimiter: '::' } },
      /^files\.landed\.csv\.delimiter: is "::"; it must be one ASCII character/,
    ],
    [
      'one character as both',
      { csv: { delimiter: '"' } },
      /^files\.landed\.csv\.quote: is the same as csv\.delimiter/,
    ],
    ['a table that cannot be', { table: 'a b' }, /^files\.landed\.table: is "a b"; a table's name/],
    [
      'the table of the readings',
      { table: 'Readings' },
      /^files\.landed\.table: "Readings" is written by the rest of the pipeline already/,
    ],
    [
      'a hint that is no text',
      { schemaHints: { ts: 5 } },
      /^files\.landed\.schemaHints\.ts: is 5; it must be a type/,
    ],
    [
      'a hint without a name',
      { schemaHints: { 'a..b': 'long' } },
      /^files\.landed\.schemaHints\.a\.\.b: has an empty name/,
    ],
    [
      'hints that are no object',
      { schemaHints: ['ts timestamp'] },
      /^files\.landed\.schemaHints: is an array; it must be an object/,
    ],
    [
      'a field that fills two columns',
      { rename: { a: 'ts', b: 'ts' } },
      /^files\.landed\.rename\.b: takes field "ts", which fills column "a"/,
    ],
    [
      'columns that differ by case',
      { rename: { a: 'x', A: 'y' } },
      /^files\.landed\.rename\.A: differs from column "a" in case only/,
    ],
    [
      "a column of the loader's",
      { rename: { _file_row: 'x' } },
      /^files\.landed\.rename\._file_row: is a column that the loader fills/,
    ],
    [
      'a column with a space',
      { rename: { 'local ts': 'ts' } },
      /^files\.landed\.rename\.local ts: has a character/,
    ],
    [
      'a mode that is none',
      { schemaEvolutionMode: 'addNewColumn' },
      /^files\.landed\.schemaEvolutionMode: is "addNewColumn".*Did you mean "addNewColumns"\?$/,
    ],
    [
      'a flag that is no flag',
      { allowOverwrites: 'yes' },
      /^files\.landed\.allowOverwrites: is "yes"; it must be true or false/,
    ],
    [
      'an age below two weeks',
      { maxFileAgeMs: 1000 },
      /^files\.landed\.maxFileAgeMs: is 1000; it must be a whole number from 1209600000/,
    ],
    [
      'too many files in a batch',
      { maxFilesPerBatch: 20_000 },
      /^files\.landed\.maxFilesPerBatch: is 20000; it must be a whole number from 1 to 12000/,
    ],
    [
      'a schedule of five fields',
      { backfillSchedule: '*/5 * * * *' },
      /^files\.landed\.backfillSchedule: is "\*\/5 \* \* \* \*"; a schedule has six/,
    ],
    [
      'deletion at once',
      { cleanSource: { mode: 'delete', retentionMs: 1 } },
      /^files\.landed\.cleanSource\.retentionMs: is 1; it must be a whole number from 604800000/,
    ],
    [
      'cleaning without a mode',
      { cleanSource: {} },
      /^files\.landed\.cleanSource\.mode: missing; it must be one of/,
    ],
    [
      'a move to nowhere',
      { prefix: 'in', cleanSource: { mode: 'move' } },
      /^files\.landed\.cleanSource\.moveTo: missing; it must be a folder/,
    ],
    [
      'a move into the watched folder',
      { prefix: 'in', cleanSource: { mode: 'move', moveTo: 'in/done/' } },
      /^files\.landed\.cleanSource\.moveTo: is "in\/done", and files in "in"/,
    ],
    [
      'a move around the watched folder',
      { prefix: 'data/in', cleanSource: { mode: 'move', moveTo: 'data' } },
      /^files\.landed\.cleanSource\.moveTo: is "data", and files in "data\/in"/,
    ],
    [
      'a move out of a whole container',
      { cleanSource: { mode: 'move', moveTo: 'done' } },
      /^files\.landed\.cleanSource\.moveTo: lies in the folder that is watched/,
    ],
    [
      'a target without a move',
      { cleanSource: { mode: 'off', moveTo: 'done' } },
      /^files\.landed\.cleanSource\.moveTo: has no effect/,
    ],
  ];
  for (const [what, definition, problem] of refused) {
    it(`refuse ${what}`, () => {
      const problems = problemsOfStream(definition);
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0]!, problem);
    });
  }

  it('refuse names that functions and tables cannot have', () => {
    const container = 'input-files';
    assert.match(problemsOf({ 'a b': { container } })[0]!, /^files\.a b: a stream's name has letters/);
    assert.match(problemsOf({ '9lives': { container } })[0]!, /^files\.9lives: a stream's name/);
    assert.deepEqual(problemsOf({ one: { container }, One: { container, table: 'x' } }), [
      'files.One: differs from "one" in case only; rename one of them',
    ]);
  });

  it('refuse two streams that write one table', () => {
    const container = 'input-files';
    assert.deepEqual(problemsOf({ one: { container, table: 'x' }, two: { container, table: 'X' } }), [
      'files.two.table: "X" is written by files.one already; give the stream a table of its own',
    ]);
  });

  it('refuse anything but an object', () => {
    assert.match(problemsOf(['a'])[0]!, /^files: is an array; it must be an object/);
    assert.match(
      problemsOf({ landed: 'input-files' })[0]!,
      /^files\.landed: is "input-files"; it must be an object/,
    );
  });
});
