// Pure. Rows of a batch picked in any order.
import type { ColumnBatch, DataBatch, DataValues } from './columns.js';
import { emptyLike, isTyped, type NumberArray } from './dataBatches.js';

/** These rows, in this order. */
export function selectRows(batch: ColumnBatch, rows: Int32Array): ColumnBatch;
export function selectRows(batch: DataBatch, rows: Int32Array): DataBatch;
export function selectRows(batch: DataBatch, rows: Int32Array): DataBatch {
  return {
    rowCount: rows.length,
    fields: batch.fields,
    columns: batch.columns.map((column) => selectValues(column, rows)),
  };
}

function selectValues(values: DataValues, rows: Int32Array): DataValues {
  if (values.kind === 'void') return values;
  if (values.kind === 'text') return { kind: 'text', values: pick(values.values, rows) };
  if (values.kind === 'bytes') return { kind: 'bytes', values: pick(values.values, rows) };
  const validity = values.validity === undefined ? {} : { validity: pickNumbers(values.validity, rows) };
  switch (values.kind) {
    case 'numbers':
      return { kind: 'numbers', values: pickNumbers(values.values, rows), ...validity };
    case 'decimals': {
      const { values: from } = values;
      if (isTyped(from)) return { kind: 'decimals', values: pickNumbers(from, rows), ...validity };
      return { kind: 'decimals', values: pick(from, rows), ...validity };
    }
    case 'struct':
      return {
        kind: 'struct',
        children: values.children.map((child) => selectValues(child, rows)),
        ...validity,
      };
    case 'list': {
      const { offsets, elements } = selectElements(values.offsets, rows);
      return { kind: 'list', offsets, element: selectValues(values.element, elements), ...validity };
    }
    case 'map': {
      const { offsets, elements } = selectElements(values.offsets, rows);
      return {
        kind: 'map',
        offsets,
        keys: selectValues(values.keys, elements),
        values: selectValues(values.values, elements),
        ...validity,
      };
    }
  }
}

function pick<T>(values: readonly T[], rows: Int32Array): T[] {
  return Array.from(rows, (row) => values[row]!);
}

function pickNumbers<Numbers extends NumberArray>(values: Numbers, rows: Int32Array): Numbers {
  const ofSameKind =
    values instanceof BigInt64Array ? new BigInt64Array(rows.length) : emptyLike(values, rows.length);
  const picked = ofSameKind as Numbers;
  for (let index = 0; index < rows.length; index++) picked[index] = values[rows[index]!]!;
  return picked;
}

function selectElements(
  offsets: Int32Array,
  rows: Int32Array,
): { readonly offsets: Int32Array; readonly elements: Int32Array } {
  const selected = new Int32Array(rows.length + 1);
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!;
    selected[index + 1] = selected[index]! + offsets[row + 1]! - offsets[row]!;
  }
  const elements = new Int32Array(selected[rows.length]!);
  for (let index = 0; index < rows.length; index++) {
    const first = offsets[rows[index]!]!;
    for (let at = selected[index]!; at < selected[index + 1]!; at++) {
      elements[at] = first + at - selected[index]!;
    }
  }
  return { offsets: selected, elements };
}
