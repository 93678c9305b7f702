// The rows of a snapshot in columns of primitive types, the form of batches that most code works with.
import type {
  ColumnBatch,
  ColumnField,
  ColumnValues,
  DataField,
  DataType,
  DataValues,
} from '../parquet/index.js';
import { jsonScalar, plainValue } from './plainValue.js';
import { scalarText } from './scalarText.js';
import { type ScanOptions, scanTable } from './scan.js';
import { parseTableColumns, unreadableType } from './tableTypes.js';

/** `columns`: default all that can be read. */
export type ReadRowsOptions = ScanOptions;

/**
 * Batches with the table's columns; a column that a file lacks is null there. Decimals come as texts with all their digits, structs,
 * lists and maps as JSON; `scanTable` gives them in columnar form.
 * @throws TributaryError as `scanTable` does
 */
export async function* readRows(options: ReadRowsOptions): AsyncIterable<ColumnBatch> {
  const columns = options.columns ?? readableNames(options.snapshot.metadata.schemaString);
  for await (const { rowCount, fields, columns: values } of scanTable({ ...options, columns })) {
    yield {
      rowCount,
      fields: fields.map(textField),
      columns: values.map((column, index) => textValues(column, fields[index]!.type, rowCount)),
    };
  }
}

function readableNames(schemaString: string): string[] {
  return parseTableColumns(schemaString).flatMap(({ name, type }) =>
    unreadableType(type) === undefined ? [name] : [],
  );
}

function textField({ name, type, nullable }: DataField): ColumnField {
  return { name, type: typeof type === 'string' ? type : 'string', nullable };
}

function textValues(values: DataValues, type: DataType, rowCount: number): ColumnValues {
  if (values.kind === 'text' || values.kind === 'bytes' || values.kind === 'numbers') return values;
  return {
    kind: 'text',
    values: Array.from({ length: rowCount }, (_, row) => {
      if (values.kind === 'decimals') return scalarText(values, type, row) ?? null;
      const value = plainValue(values, type, row, jsonScalar);
      return value === null ? null : JSON.stringify(value);
    }),
  };
}
