// Looks at what the files of a group hold, without writing anything.
import { TributaryError } from '../../base/index.js';
import type { DataField } from '../../parquet/index.js';
import type { LandingStore } from '../../storage/index.js';
import type { LandedFile } from '../ledger/index.js';
import { dataFieldsOf, RecordShape, type SchemaRules, unexpectedColumns } from '../schema/index.js';
import { prefetch, type ReadingRules, readFile, readsTexts } from './fileReading.js';
import { FileGone, LandedFileBytes } from './landedBytes.js';

export interface ScanContext {
  readonly landing: LandingStore;
  readonly stream: ReadingRules & { readonly name: string };
  readonly rules: SchemaRules;
  /** Of the table; empty when there is none. */
  readonly columns: readonly DataField[];
}

/** Fields found: one list for records with types of their own, one for texts. */
export type FoundFields = readonly (readonly DataField[])[];

const mostFilesNamed = 10;

/** @throws TributaryError FILE_COLUMNS_UNEXPECTED in mode `failOnNewColumns`, STORAGE_UNAVAILABLE, STORAGE_DENIED */
export async function scanGroup(files: readonly LandedFile[], context: ScanContext): Promise<FoundFields> {
  const { rules, columns, landing, stream } = context;
  const isStrict = rules.schemaEvolutionMode === 'failOnNewColumns' && columns.length > 0;
  const shapes = { typed: new RecordShape(false), texts: new RecordShape(true) };
  const refused: string[] = [];
  const opened = files.map((file) => new LandedFileBytes(landing, file));
  for (const [index, file] of opened.entries()) {
    prefetch(opened, index);
    const isText = readsTexts(file.path, stream);
    const own = isStrict ? new RecordShape(isText) : isText ? shapes.texts : shapes.typed;
    await scanFile(file, own, stream);
    if (!isStrict) continue;
    const unexpected = unexpectedColumns(columns, own.root, rules);
    if (unexpected.length > 0) refused.push(`${file.path} (${unexpected.slice(0, 20).join(', ')})`);
    if (refused.length >= mostFilesNamed) break;
  }
  if (refused.length > 0) throw unexpectedError(stream.name, refused);
  return [dataFieldsOf(shapes.typed.root), dataFieldsOf(shapes.texts.root)];
}

async function scanFile(file: LandedFileBytes, shape: RecordShape, rules: ReadingRules): Promise<void> {
  let declared: ReadonlySet<string> | undefined;
  try {
    for await (const { records, fields } of readFile(file, rules, { keepWrittenFractions: true })) {
      if (fields !== undefined && declared === undefined) {
        shape.declare(fields);
        declared = new Set(fields.map(({ name }) => name));
      }
      for (const record of records) if (record.kind === 'record') shape.observe(record.value, declared);
    }
  } catch (error) {
    // Its outcome is found out when it is staged.
    if (!(error instanceof FileGone)) throw error;
  }
}

function unexpectedError(stream: string, refused: readonly string[]): TributaryError {
  return new TributaryError(
    'FILE_COLUMNS_UNEXPECTED',
    `Files of stream ${stream} have columns that its table lacks: ${refused.join('; ')}. ` +
      'Add the columns by schemaHints, choose another schemaEvolutionMode, or take the files away; the stream waits until then.',
  );
}
