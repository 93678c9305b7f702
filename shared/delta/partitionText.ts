// Pure. Partition values as text for the log (PROTOCOL.md "Partition Value Serialization"), and the folders named after them.
import type { DataType, DataValues } from '../parquet/index.js';
import { isNullAt } from '../parquet/index.js';
import { scalarText } from './scalarText.js';

/** The text is undefined for bytes that are no text, which the log has no form for. The empty text means null. */
export function partitionText(values: DataValues, type: DataType, row: number): string | null | undefined {
  if (isNullAt(values, row)) return null;
  const text = textOf(values, type, row);
  return text === '' ? null : text;
}

function textOf(values: DataValues, type: DataType, row: number): string | undefined {
  if (values.kind === 'text') return wellFormed(values.values[row] ?? '');
  if (values.kind === 'bytes') return decoded(values.values[row]!);
  if (values.kind !== 'numbers') return scalarText(values, type, row);
  switch (type) {
    case 'float':
      return floatText(Number(values.values[row]));
    case 'double':
      return doubleText(Number(values.values[row]));
    case 'timestamp_ntz':
      return scalarText(values, type, row)
        ?.replace('T', ' ')
        .replace(/\.000000$/, '');
    default:
      return scalarText(values, type, row);
  }
}

const loneSurrogates = /\p{Surrogate}/gu;

/** JSON with half of a surrogate pair makes some readers refuse the whole log; data files hold the same replacement. */
function wellFormed(text: string): string {
  return text.replace(loneSurrogates, '\ufffd');
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** As Java's `Double.toString`: at least one digit on both sides of the point, an exponent below 0.001 and from ten million on. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e7) return withPoint(String(value));
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${withPoint(digits)}E${Number(exponent)}`;
}

/** The fewest digits that give the same 32-bit number. */
function floatText(value: number): string {
  const float = Math.fround(value);
  if (float === 0) return doubleText(float); // which loses its sign below
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return doubleText(short);
  }
  return doubleText(Number.isFinite(float) ? Number(float.toPrecision(9)) : float);
}

function withPoint(digits: string): string {
  return digits.includes('.') ? digits : `${digits}.0`;
}

export type PartitionValues = Readonly<Record<string, string | null>>;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are among those that Hive escapes.
const escapedByHive = /[\u0000-\u001f\u007f"#%'*/:=?\\{[\]^]/g;

function hiveEscaped(text: string): string {
  return text.replace(escapedByHive, (character) => {
    const code = character.charCodeAt(0);
    return `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

/** File systems take 255 bytes for a name; blob names 1024 characters in all, the table's folder and the file's name included. */
const maxSegmentBytes = 200;
const maxFolderLength = 500;

/**
 * `site=a/day=2026-01-01/`, as Hive and Spark lay partitions out; '' for none, and where such a name would be too long or end in a
 * way that storages do not keep. The folder is for people only: readers take values from the log.
 */
export function partitionFolder(values: PartitionValues): string {
  const segments = Object.entries(values).map(
    ([name, value]) =>
      `${hiveEscaped(name)}=${value === null ? '__HIVE_DEFAULT_PARTITION__' : hiveEscaped(value)}`,
  );
  const folder = segments.map((segment) => `${segment}/`).join('');
  return segments.every(isSafeSegment) && folder.length <= maxFolderLength ? folder : '';
}

function isSafeSegment(segment: string): boolean {
  return !/[. ]$/.test(segment) && new TextEncoder().encode(segment).byteLength <= maxSegmentBytes;
}
