// Pure. Questions about column types.
import type { DataField, DataType } from './columns.js';

/** For messages. */
export function typeText(type: DataType): string {
  if (typeof type === 'string') return type;
  return type.kind === 'decimal' ? `decimal(${type.precision},${type.scale})` : type.kind;
}

/** Column chunks that a column of this type has. */
export function leafCountOf(type: DataType): number {
  if (typeof type === 'string') return 1;
  switch (type.kind) {
    case 'struct':
      return type.fields.reduce((sum, field) => sum + leafCountOf(field.type), 0);
    case 'list':
      return leafCountOf(type.element.type);
    case 'map':
      return leafCountOf(type.key.type) + leafCountOf(type.value.type);
    default:
      return 1;
  }
}

/** Whether values of both have the same form, down to the names and the order of struct fields; nullability does not count. */
export function isSameType(left: DataType, right: DataType): boolean {
  if (typeof left === 'string' || typeof right === 'string') return left === right;
  if (left.kind === 'decimal' && right.kind === 'decimal')
    return left.precision === right.precision && left.scale === right.scale;
  if (left.kind === 'struct' && right.kind === 'struct')
    return (
      left.fields.length === right.fields.length &&
      left.fields.every((field, index) => isSameField(field, right.fields[index]!))
    );
  if (left.kind === 'list' && right.kind === 'list') return isSameType(left.element.type, right.element.type);
  if (left.kind === 'map' && right.kind === 'map')
    return isSameType(left.key.type, right.key.type) && isSameType(left.value.type, right.value.type);
  return left.kind === right.kind;
}

function isSameField(left: DataField, right: DataField): boolean {
  return left.name === right.name && isSameType(left.type, right.type);
}
