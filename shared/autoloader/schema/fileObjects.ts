// Pure. Which values of files are objects with members.
import { DateValue, ExactNumber, type FileObject, type FileValue, TimestampValue } from '../formats/types.js';

/** One value: no null, list or object. */
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
