// Pure. Records of files -> rows of a stream's table, with their lineage and what did not fit.
import { type DataBatch, DataBatchBuilder, type DataField, type ValuesBuilder } from '../../parquet/index.js';
import type { SchemaEvolutionMode } from '../../pipeline/index.js';
import type { FileObject, FileValue } from '../formats/types.js';
import { fieldOf, isLineageColumn } from './columnNames.js';
import { jsonTextOf } from './jsonText.js';
import { MemberWriter, type Outgrowth } from './valueWriters.js';

/** What the loader adds to each row. */
export const lineageFields: readonly DataField[] = [
  { name: '_rescued_data', type: 'string', nullable: true },
  { name: '_file_path', type: 'string', nullable: true },
  { name: '_file_modified', type: 'timestamp', nullable: true },
  { name: '_file_row', type: 'long', nullable: true },
  { name: '_ingest_time', type: 'timestamp', nullable: true },
];

export interface RecordWriterOptions {
  /** All columns of the table, the loader's own among them. */
  readonly fields: readonly DataField[];
  /** Column -> the record's field that fills it, for columns of another name. */
  readonly rename: Readonly<Record<string, string>>;
  readonly mode: SchemaEvolutionMode;
}

/** The file that records come from. */
export interface RecordSource {
  readonly path: string;
  readonly modifiedMs: number;
  /** The same at every attempt to load the file. */
  readonly ingestTimeMs: number;
}

export class RecordWriter {
  readonly #builder: DataBatchBuilder;
  readonly #members: MemberWriter;
  readonly #lineage: Lineage;
  /** Whether records so far showed fields or types that the columns lack. */
  readonly outgrowth: Outgrowth = { hasNewField: false, hasMisfit: false };

  constructor({ fields, rename, mode }: RecordWriterOptions) {
    this.#builder = new DataBatchBuilder(fields);
    const { columns } = this.#builder;
    const own = fields.flatMap((field, index) => (isLineageColumn(field.name) ? [] : [{ field, index }]));
    this.#members = new MemberWriter(
      own.map(({ field }) => ({ ...field, name: fieldOf(field.name, rename) })),
      own.map(({ index }) => columns[index]!),
      { outgrowth: this.outgrowth, keepsUnknown: mode !== 'none' },
    );
    this.#lineage = new Lineage(fields, columns);
  }

  get rowCount(): number {
    return this.#builder.rowCount;
  }

  /** @param row position of the record in its file, from 0 */
  append(record: FileObject, source: RecordSource, row: number): void {
    this.#lineage.write(source, row, this.#members.write(record));
    this.#builder.endRow();
  }

  /** The rows so far; valid until the next `append` or `reset`. */
  finish(): DataBatch {
    return this.#builder.finish();
  }

  reset(): void {
    this.#builder.reset();
  }
}

/** Fills the columns of `lineageFields`, where the table has them. */
class Lineage {
  readonly #columns: ReadonlyMap<string, ValuesBuilder>;

  constructor(fields: readonly DataField[], columns: readonly ValuesBuilder[]) {
    this.#columns = new Map(fields.map(({ name }, index) => [name.toLowerCase(), columns[index]!]));
  }

  write(source: RecordSource, row: number, rescued: FileObject | undefined): void {
    if (rescued !== undefined) this.#text('_rescued_data', rescuedText(rescued, source.path));
    this.#text('_file_path', source.path);
    this.#number('_file_modified', source.modifiedMs * 1000);
    this.#number('_file_row', row);
    this.#number('_ingest_time', source.ingestTimeMs * 1000);
  }

  #text(name: string, value: string): void {
    const column = this.#columns.get(name);
    if (column?.kind === 'text') column.append(value);
  }

  #number(name: string, value: number): void {
    const column = this.#columns.get(name);
    if (column?.kind === 'numbers') column.append(value);
  }
}

/** As Auto Loader has it: the values, and the file they came from. */
function rescuedText(rescued: FileObject, path: string): string {
  const members: Record<string, FileValue> = Object.create(null) as Record<string, FileValue>;
  Object.assign(members, rescued);
  let key = '_file_path';
  while (members[key] !== undefined) key += '_';
  members[key] = path;
  return jsonTextOf(members);
}
