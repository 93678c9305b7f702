// Pure. Which format a file has: by its name, else by how its content begins.
import type { FileFormat } from './types.js';

const formatOfExtension: ReadonlyMap<string, FileFormat | 'sniffJson'> = new Map([
  ['json', 'sniffJson'],
  ['ndjson', 'ndjson'],
  ['jsonl', 'ndjson'],
  ['csv', 'csv'],
  ['tsv', 'csv'],
  ['parquet', 'parquet'],
  ['avro', 'avro'],
]);

const compressedExtension = /\.(?:gz|gzip|zst|zstd)$/;

/** The extension below that of the compression, in lower case; empty without one. */
export function extensionOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  const inner = name.replace(compressedExtension, '');
  const point = inner.lastIndexOf('.');
  return point < 0 ? '' : inner.slice(point + 1);
}

/**
 * @param head how the content begins, as text of one character per byte, without a byte order mark
 * @returns undefined when neither name nor content tell
 */
export function formatOf(path: string, head: string): FileFormat | undefined {
  const byName = formatOfExtension.get(extensionOf(path));
  if (byName !== undefined && byName !== 'sniffJson') return byName;
  if (head.startsWith('PAR1')) return 'parquet';
  if (head.startsWith('Obj\x01')) return 'avro';
  if (byName === undefined && !/^\s*[[{]/.test(head)) return undefined;
  return jsonFormOf(head);
}

/** How much of the content is looked at. */
export const sniffedBytes = 65_536;

/**
 * A first line that is a whole object makes it NDJSON; so does one that is too long to see, since few documents of that
 * size are on one line, and both readers take them. Of a damaged file the NDJSON reader loses less.
 */
function jsonFormOf(head: string): 'json' | 'ndjson' {
  const [, line = ''] = /^\s*([^\n]*)/.exec(head) ?? [];
  if (!line.startsWith('{')) return 'json';
  const isOneLine = line.length === head.trimStart().length;
  if (isOneLine) return head.length < sniffedBytes ? 'json' : 'ndjson';
  return isJson(line) ? 'ndjson' : 'json';
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
