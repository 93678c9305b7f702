// Pure. Nested records -> leaf columns with repetition and definition levels.
// https://github.com/apache/parquet-format/blob/master/README.md#nested-encoding
import { LeafColumn } from './leafColumn.js';
import { isLeaf, type RecordField, type RecordType, type RecordValues } from './recordTypes.js';

/** Takes one field's value apart. `repetition` belongs to the first entry written; `definition` is what stands if the field is null. */
interface Shredder {
  write(value: unknown, repetition: number, definition: number): void;
  writeAbsent(repetition: number, definition: number): void;
}

export interface RecordShredder {
  /** In the order of the schema's leaves. */
  readonly leaves: readonly LeafColumn[];
  write(record: RecordValues): void;
}

export function createShredder(fields: readonly RecordField[]): RecordShredder {
  const leaves: LeafColumn[] = [];
  const children = fields.map((field) => shredderOf(field.type, [field.name], 0, leaves));
  return {
    leaves,
    write(record) {
      fields.forEach(({ name }, index) => {
        children[index]!.write(record[name], 0, 0);
      });
    },
  };
}

/** @param depth definition level at which this field is null */
function shredderOf(
  type: RecordType,
  path: readonly string[],
  depth: number,
  leaves: LeafColumn[],
): Shredder {
  if (isLeaf(type)) return leafShredder(new LeafColumn(path, type, false, depth + 1, 0), leaves);
  switch (type.kind) {
    case 'struct':
      return structShredder(type.fields, path, depth, leaves);
    case 'textMap':
      return mapShredder(path, depth, leaves);
    case 'textList':
      return listShredder(path, depth, leaves);
  }
}

function leafShredder(leaf: LeafColumn, leaves: LeafColumn[]): Shredder {
  leaves.push(leaf);
  return {
    write: (value, repetition, definition) => leaf.add(value, repetition, definition),
    writeAbsent: (repetition, definition) => leaf.addAbsent(repetition, definition),
  };
}

function structShredder(
  fields: readonly RecordField[],
  path: readonly string[],
  depth: number,
  leaves: LeafColumn[],
): Shredder {
  const children = fields.map((field) => shredderOf(field.type, [...path, field.name], depth + 1, leaves));
  const writeAbsent = (repetition: number, definition: number): void => {
    for (const child of children) child.writeAbsent(repetition, definition);
  };
  return {
    writeAbsent,
    write(value, repetition, definition) {
      if (!isRecord(value)) {
        writeAbsent(repetition, definition);
        return;
      }
      fields.forEach(({ name }, index) => {
        children[index]!.write(value[name], repetition, definition + 1);
      });
    },
  };
}

/** The repeated group is one level below the field, its entries one more. */
function mapShredder(path: readonly string[], depth: number, leaves: LeafColumn[]): Shredder {
  const key = new LeafColumn([...path, 'key_value', 'key'], 'string', true, depth + 2, 1);
  const value = new LeafColumn([...path, 'key_value', 'value'], 'string', false, depth + 3, 1);
  leaves.push(key, value);
  const writeAbsent = (repetition: number, definition: number): void => {
    key.addAbsent(repetition, definition);
    value.addAbsent(repetition, definition);
  };
  return {
    writeAbsent,
    write(map, repetition, definition) {
      if (!isRecord(map)) return writeAbsent(repetition, definition);
      const entries = Object.entries(map);
      if (entries.length === 0) return writeAbsent(repetition, definition + 1);
      entries.forEach(([name, text], index) => {
        const level = index === 0 ? repetition : 1;
        key.add(name, level, definition + 1);
        value.add(text, level, definition + 2);
      });
    },
  };
}

function listShredder(path: readonly string[], depth: number, leaves: LeafColumn[]): Shredder {
  const element = new LeafColumn([...path, 'list', 'element'], 'string', false, depth + 3, 1);
  leaves.push(element);
  return {
    writeAbsent: (repetition, definition) => element.addAbsent(repetition, definition),
    write(list, repetition, definition) {
      if (!Array.isArray(list)) return element.addAbsent(repetition, definition);
      if (list.length === 0) return element.addAbsent(repetition, definition + 1);
      list.forEach((text, index) => {
        element.add(text, index === 0 ? repetition : 1, definition + 2);
      });
    },
  };
}

function isRecord(value: unknown): value is RecordValues {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
