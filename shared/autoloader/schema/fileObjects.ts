// Pure. Which values of files are objects with members.
import { DateValue, ExactNumber, type FileObject, type FileValue, TimestampValue } from '../formats/types.js';

/** A list, or an object, or null: nothing that stands for one value of a column. */
export type Scalar = Exclude<FileValue, null | readonly FileValue[] | FileObject>;

export function isFileObject(value: FileValue): value is FileObject {
  return typeof value === 'object' && value !== null && !isFileList(value) && !isWrapped(value);
}

/** `Array.isArray` alone would make `any[]` of it. */
export function isFileList(value: FileValue): value is readonly FileValue[] {
  return Array.isArray(value);
}

function isWrapped(value: object): boolean {
  return (
    value instanceof ExactNumber ||
    value instanceof Uint8Array ||
    value instanceof TimestampValue ||
    value instanceof DateValue
  );
}

/** Undefined for null, lists and objects. */
export function scalarOf(value: FileValue): Scalar | undefined {
  if (value === null || isFileList(value) || isFileObject(value)) return undefined;
  return value;
}
