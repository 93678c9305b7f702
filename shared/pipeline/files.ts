// Pure. Streams of files that land in blob storage.
import { readConnection } from './eventHubs.js';
import { describeValue } from './problems.js';
import { readSchedule } from './schedule.js';
import { isPlainObject, type Section } from './section.js';
import type { FileStream, FileStreamDefinition, SchemaEvolutionMode } from './types.js';

const streamKeys: readonly (keyof FileStreamDefinition)[] = [
  'container',
  'prefix',
  'glob',
  'connection',
  'format',
  'csv',
  'table',
  'schemaHints',
  'rename',
  'inferColumnTypes',
  'schemaEvolutionMode',
  'includeExistingFiles',
  'allowOverwrites',
  'maxFileAgeMs',
  'maxFilesPerBatch',
  'maxBytesPerBatch',
  'backfillSchedule',
  'cleanSource',
];
const formats: readonly FileStream['format'][] = ['auto', 'json', 'ndjson', 'csv', 'parquet', 'avro'];
const evolutionModes: readonly SchemaEvolutionMode[] = [
  'addNewColumns',
  'addNewColumnsWithTypeWidening',
  'rescue',
  'failOnNewColumns',
  'none',
];
const cleanModes: readonly FileStream['cleanSource']['mode'][] = ['off', 'move', 'delete'];

const dayMs = 86_400_000;
const longestMs = 100 * 365 * dayMs;

/** Streams that come later must not write the tables of those before. */
type TakenTables = Map<string, string>;

/** @param tables of the rest of the pipeline */
export function readFiles(root: Section, tables: readonly string[]): readonly FileStream[] {
  const value = root.value('files') ?? {};
  if (!isPlainObject(value)) {
    root.report(
      'files',
      `is ${describeValue(value)}; it must be an object, as { landed: { container: 'input-files' } }`,
    );
    return [];
  }
  const names = Object.keys(value);
  const section = root.optionalSection('files', names);
  checkNames(section, names);
  const taken: TakenTables = new Map(
    tables.map((table) => [table.toLowerCase(), 'the rest of the pipeline']),
  );
  return names.map((name) => readStream(section.section(name, streamKeys), name, taken));
}

/** A stream's name becomes part of names of functions, orchestrations, rows and objects. */
function checkNames(section: Section, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(name)) {
      section.report(
        name,
        'a stream\'s name has letters, digits, "_" and "-", starts with a letter and has at most 63 characters',
      );
    }
    const rival = seen.get(name.toLowerCase());
    if (rival !== undefined) section.report(name, `differs from "${rival}" in case only; rename one of them`);
    seen.set(name.toLowerCase(), name);
  }
}

function readStream(section: Section, name: string, taken: TakenTables): FileStream {
  const prefix = readFolder(section, 'prefix');
  return {
    name,
    container: readContainer(section),
    prefix,
    glob: readGlob(section),
    connection: readConnection(section, 'LandingStorage'),
    format: section.has('format') ? (section.choice('format', formats) ?? 'auto') : 'auto',
    csv: readCsv(section),
    table: readTable(section, name, taken),
    schemaHints: readTexts(section, 'schemaHints', 'a type, as "double"'),
    rename: readRename(section),
    inferColumnTypes: section.flag('inferColumnTypes', true),
    schemaEvolutionMode: section.has('schemaEvolutionMode')
      ? (section.choice('schemaEvolutionMode', evolutionModes) ?? 'addNewColumns')
      : 'addNewColumns',
    includeExistingFiles: section.flag('includeExistingFiles', true),
    allowOverwrites: section.flag('allowOverwrites', false),
    maxFileAgeMs: readMaxAge(section),
    maxFilesPerBatch: section.number('maxFilesPerBatch', 1_000, { minimum: 1, maximum: 12_000, whole: true }),
    maxBytesPerBatch: section.number('maxBytesPerBatch', 2 ** 30, {
      minimum: 1,
      maximum: 2 ** 50,
      whole: true,
    }),
    backfillSchedule: readSchedule(section, 'backfillSchedule', '0 */10 * * * *'),
    cleanSource: readCleanSource(section, prefix),
  };
}

function readContainer(section: Section): string {
  const container = section.text('container', 'the name of a blob container') ?? '';
  if (container !== '' && !/^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(container)) {
    const rule =
      'a container\'s name has 3 to 63 small letters, digits and single "-", and starts and ends with a letter or digit';
    section.report('container', `is ${describeValue(container)}; ${rule}`);
  }
  return container;
}

/** Without a slash at its end. '' is the whole container. */
function readFolder(section: Section, key: string): string {
  if (!section.has(key) || section.value(key) === '') return '';
  const text = section.text(key, 'a folder, as "iot/incoming"');
  if (text === undefined) return '';
  const folder = text.replace(/\/$/, '');
  const isPath = folder.split('/').every((segment) => !['', '.', '..'].includes(segment));
  if (!isPath || folder.includes('\\')) {
    section.report(
      key,
      `is ${describeValue(text)}; write a folder without a slash at its start, as "iot/incoming"`,
    );
  }
  return folder;
}

function readGlob(section: Section): string {
  if (!section.has('glob')) return '**';
  const glob = section.text('glob', 'a pattern, as "*.json"') ?? '**';
  const other = /[?[\]{}\\]/.exec(glob);
  if (other !== null) {
    section.report('glob', `has "${other[0]}"; only "*" (any characters but "/") and "**" (any) are special`);
  }
  if (glob.startsWith('/'))
    section.report('glob', 'starts with "/"; it is matched below the prefix, so leave the slash out');
  return glob;
}

function readCsv(parent: Section): FileStream['csv'] {
  const section = parent.optionalSection('csv', ['header', 'delimiter', 'quote']);
  const delimiter = readCharacter(section, 'delimiter', ',');
  const quote = readCharacter(section, 'quote', '"');
  if (delimiter === quote)
    section.report('quote', 'is the same as csv.delimiter; they must be different characters');
  return { header: section.flag('header', true), delimiter, quote };
}

/** One character of one byte: files are cut before they are decoded. */
function readCharacter(section: Section, key: string, preset: string): string {
  if (!section.has(key)) return preset;
  const value = section.value(key);
  if (typeof value === 'string' && /^[\t\x20-\x7e]$/.test(value)) return value;
  section.report(key, `is ${describeValue(value)}; it must be one ASCII character other than a line's end`);
  return preset;
}

function readTable(section: Section, name: string, taken: TakenTables): string {
  const table = section.has('table') ? (section.text('table', 'the name of a table') ?? name) : name;
  if (section.has('table') && !/^[A-Za-z0-9_-]+$/.test(table)) {
    section.report(
      'table',
      `is ${describeValue(table)}; a table's name has letters, digits, "_" and "-" only`,
    );
  }
  const rival = taken.get(table.toLowerCase());
  if (rival !== undefined) {
    section.report('table', `"${table}" is written by ${rival} already; give the stream a table of its own`);
  }
  taken.set(table.toLowerCase(), section.path);
  return table;
}

function readTexts(section: Section, key: string, purpose: string): Readonly<Record<string, string>> {
  const value = section.value(key) ?? {};
  if (!isPlainObject(value)) {
    section.report(key, `is ${describeValue(value)}; it must be an object`);
    return {};
  }
  const inner = section.optionalSection(key, Object.keys(value));
  const entries = Object.keys(value).flatMap((name) => {
    if (name.split('.').includes('')) inner.report(name, 'has an empty name between its dots');
    const text = inner.text(name, purpose);
    return text === undefined ? [] : [[name, text] as const];
  });
  return Object.fromEntries(entries);
}

const lineageColumns = ['_rescued_data', '_file_path', '_file_modified', '_file_row', '_ingest_time'];

function readRename(section: Section): FileStream['rename'] {
  const rename = readTexts(section, 'rename', "the name of the records' field");
  const columns = new Map<string, string>();
  const fields = new Map<string, string>();
  for (const [column, field] of Object.entries(rename)) {
    const report = (problem: string) => section.report(`rename.${column}`, problem);
    if (/[ ,;{}()\n\t=.]/.test(column)) report('has a character that column names cannot have; use "_"');
    if (lineageColumns.includes(column.toLowerCase())) report('is a column that the loader fills itself');
    const other = columns.get(column.toLowerCase());
    if (other !== undefined) report(`differs from column "${other}" in case only; rename one of them`);
    const rival = fields.get(field);
    if (rival !== undefined)
      report(`takes field "${field}", which fills column "${rival}"; remove one of them`);
    columns.set(column.toLowerCase(), column);
    fields.set(field, column);
  }
  return rename;
}

function readMaxAge(section: Section): number | undefined {
  if (!section.has('maxFileAgeMs')) return undefined;
  return section.number('maxFileAgeMs', 90 * dayMs, { minimum: 14 * dayMs, maximum: longestMs, whole: true });
}

function readCleanSource(parent: Section, prefix: string): FileStream['cleanSource'] {
  const section = parent.optionalSection('cleanSource', ['mode', 'retentionMs', 'moveTo']);
  const isThere = parent.has('cleanSource');
  const mode = isThere ? (section.choice('mode', cleanModes) ?? 'off') : 'off';
  const retentionMs = section.number('retentionMs', 30 * dayMs, {
    minimum: mode === 'delete' ? 7 * dayMs : 0,
    maximum: longestMs,
    whole: true,
  });
  return { mode, retentionMs, moveTo: readMoveTo(section, mode, prefix) };
}

/** A file that is moved must not be found again. */
function readMoveTo(section: Section, mode: string, prefix: string): string | undefined {
  if (mode !== 'move') {
    if (section.has('moveTo')) section.report('moveTo', "has no effect without mode 'move'; leave it out");
    return undefined;
  }
  if (!section.has('moveTo') || section.value('moveTo') === '') {
    section.report('moveTo', 'missing; it must be a folder of the same container, as "archive"');
    return undefined;
  }
  const folder = readFolder(section, 'moveTo');
  if (prefix === '') {
    section.report(
      'moveTo',
      'lies in the folder that is watched, the whole container; give the stream a prefix, as "incoming"',
    );
  } else if (isInside(folder, prefix) || isInside(prefix, folder)) {
    section.report(
      'moveTo',
      `is "${folder}", and files in "${prefix}" are loaded; choose a folder apart from it`,
    );
  }
  return folder;
}

function isInside(folder: string, outer: string): boolean {
  return `${folder}/`.startsWith(`${outer}/`);
}
