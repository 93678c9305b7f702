// Pure. Values of records in files: what JSON, CSV, Parquet and Avro have in common.

/** A number of a JSON file that no double stands for: too many digits, too large, too small. */
export class ExactNumber {
  /** @param text as in the file, a JSON number */
  constructor(readonly text: string) {}
}

/** A moment from a typed file. */
export class Moment {
  /** @param micros since 1970-01-01 UTC */
  constructor(readonly micros: number | bigint) {}
}

/** A calendar day from a typed file. */
export class Day {
  /** @param days since 1970-01-01 */
  constructor(readonly days: number) {}
}

/** A decimal number from a typed file. */
export class ExactDecimal {
  constructor(
    /** Without the point. */
    readonly unscaled: bigint,
    readonly scale: number,
  ) {}
}

export type FileValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | ExactNumber
  | ExactDecimal
  | Moment
  | Day
  | readonly FileValue[]
  | FileObject;

/** Own enumerable keys count; there may be any key, also `__proto__`. */
export interface FileObject {
  readonly [key: string]: FileValue;
}

/** Whether the value is an object of the file, and not one of the classes above. */
export function isFileObject(value: FileValue): value is FileObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof ExactNumber) &&
    !(value instanceof ExactDecimal) &&
    !(value instanceof Moment) &&
    !(value instanceof Day)
  );
}
