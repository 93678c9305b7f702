// Pure. Rows of a checkpoint in Parquet as the objects that a commit has in JSON; parsed statistics become JSON again.
import type { DataBatch, DataType, DataValues, ParquetColumn } from '../parquet/index.js';
import { isNullAt } from '../parquet/index.js';
import { InvalidAction } from './actions.js';
import type { JsonObject } from './json.js';
import { scalarText } from './scalarText.js';

/** Typed copies of what `add` also holds as text; some writers leave out the text. */
const parsedColumns: ReadonlySet<string> = new Set(['stats_parsed', 'partitionValues_parsed']);

/**
 * The columns of the wanted actions without their parsed copies; the others are not even decoded.
 * @throws InvalidAction for one that holds something else: passing it over would lose files, which vacuum would then delete
 */
export function actionColumns(
  columns: readonly ParquetColumn[],
  wanted: ReadonlySet<string>,
): ParquetColumn[] {
  return columns.flatMap((column) => {
    if (!wanted.has(column.name)) return [];
    const children =
      column.kind === 'struct' ? column.children.filter(({ name }) => !parsedColumns.has(name)) : [];
    const found = column.kind === 'struct' ? readable({ ...column, children }) : [];
    if (found.length === 0) throw new InvalidAction(`its column "${column.name}" holds no actions`);
    return found;
  });
}

/** The column `add` with nothing but its parsed copies; undefined when there are none. */
export function parsedColumn(columns: readonly ParquetColumn[]): ParquetColumn | undefined {
  const add = columns.find(({ name }) => name === 'add');
  if (add?.kind !== 'struct') return undefined;
  return readable({ ...add, children: add.children.filter(({ name }) => parsedColumns.has(name)) })[0];
}

/** Without parts of types that cannot be read: a missing statistic is no harm. */
function readable(column: ParquetColumn): ParquetColumn[] {
  if (column.kind === 'unsupported') return [];
  if (column.kind !== 'struct') return [column];
  const children = column.children.flatMap(readable);
  return children.length === 0 ? [] : [{ ...column, children }];
}

/** One object per row, such as `{"add": {...}}`. */
export function* actionRows(batch: DataBatch): Generator<Record<string, JsonObject>> {
  for (let row = 0; row < batch.rowCount; row++) {
    const actions: Record<string, JsonObject> = {};
    for (const [index, { name, type }] of batch.fields.entries()) {
      const column = batch.columns[index]!;
      if (!isNullAt(column, row)) actions[name] = plainAt(column, type, row) as JsonObject;
    }
    yield actions;
  }
}

/** Adds that lack `stats` or `partitionValues` get them from the parsed copies. */
export function hasGaps(add: JsonObject): boolean {
  return (add.stats ?? undefined) === undefined || (add.partitionValues ?? undefined) === undefined;
}

export function fillGaps(add: JsonObject, parsed: DataBatch, row: number): JsonObject {
  const type = parsed.fields[0]?.type;
  const column = parsed.columns[0];
  if (column?.kind !== 'struct' || typeof type !== 'object' || type.kind !== 'struct') return add;
  const filled: Record<string, unknown> = { ...add };
  for (const [index, field] of type.fields.entries()) {
    const child = column.children[index]!;
    if (isNullAt(child, row)) continue;
    if (field.name === 'stats_parsed') filled.stats ??= statsText(child, field.type, row);
    else filled.partitionValues ??= partitionTexts(child, field.type, row);
  }
  return filled;
}

/** JSON's types; INT64 becomes a number, as it is in a commit's JSON. */
function plainAt(values: DataValues, type: DataType, row: number): unknown {
  if (isNullAt(values, row)) return null;
  switch (values.kind) {
    case 'text':
    case 'bytes':
      return values.values[row];
    case 'numbers':
      return type === 'boolean' ? values.values[row] === 1 : Number(values.values[row]);
    case 'decimals':
      return Number(values.values[row]);
    case 'struct': {
      const fields = (type as Extract<DataType, { kind: 'struct' }>).fields;
      return Object.fromEntries(
        fields.map((field, index) => [field.name, plainAt(values.children[index]!, field.type, row)]),
      );
    }
    case 'list': {
      const { element } = type as Extract<DataType, { kind: 'list' }>;
      return range(values.offsets, row).map((index) => plainAt(values.element, element.type, index));
    }
    case 'map': {
      const { key, value } = type as Extract<DataType, { kind: 'map' }>;
      return Object.fromEntries(
        range(values.offsets, row).map((index) => [
          String(plainAt(values.keys, key.type, index)),
          plainAt(values.values, value.type, index),
        ]),
      );
    }
    case 'void':
      return null;
  }
}

function range(offsets: Int32Array, row: number): number[] {
  const first = offsets[row]!;
  return Array.from({ length: offsets[row + 1]! - first }, (_, index) => first + index);
}

/** The JSON text that the writer would have put into `stats`. */
function statsText(values: DataValues, type: DataType, row: number): string | undefined {
  if (isNullAt(values, row)) return undefined;
  if (typeof type === 'object' && type.kind === 'struct' && values.kind === 'struct') {
    const members = type.fields.flatMap((field, index) => {
      const text = statsText(values.children[index]!, field.type, row);
      return text === undefined ? [] : [`${JSON.stringify(field.name)}:${text}`];
    });
    return `{${members}}`;
  }
  const text = scalarText(values, type, row);
  if (text === undefined) return undefined;
  return isJsonLiteral(type, text) ? text : JSON.stringify(text);
}

/** NaN and the infinities have no JSON form but strings. */
function isJsonLiteral(type: DataType, text: string): boolean {
  if (typeof type === 'object') return type.kind === 'decimal';
  if (type === 'float' || type === 'double') return Number.isFinite(Number(text));
  return type === 'byte' || type === 'short' || type === 'integer' || type === 'long' || type === 'boolean';
}

function partitionTexts(values: DataValues, type: DataType, row: number): Record<string, string | null> {
  if (values.kind !== 'struct' || typeof type !== 'object' || type.kind !== 'struct') return {};
  return Object.fromEntries(
    type.fields.map((field, index) => [
      field.name,
      scalarText(values.children[index]!, field.type, row) ?? null,
    ]),
  );
}
