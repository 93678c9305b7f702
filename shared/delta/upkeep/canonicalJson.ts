// Pure. The canonical form of JSON that `_last_checkpoint` is checked by (PROTOCOL.md "JSON checksum").
import { comparePaths } from '../../storage/index.js';

/** The top-level field `checksum` is left out. */
export function canonicalJson(value: Readonly<Record<string, unknown>>): string {
  const { checksum: _, ...rest } = value;
  const pairs: [path: string, value: string][] = [];
  collect(rest, '', pairs);
  return pairs
    .sort(([left], [right]) => comparePaths(left, right))
    .map(([path, text]) => `${path}=${text}`)
    .join(',');
}

function collect(value: unknown, path: string, pairs: [string, string][]): void {
  const below = path === '' ? '' : `${path}+`;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) collect(item, `${below}${index}`, pairs);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) collect(item, `${below}${quoted(key)}`, pairs);
    }
  } else {
    pairs.push([path, typeof value === 'string' ? quoted(value) : JSON.stringify(value)]);
  }
}

/** Percent-encoded but for the unreserved characters; encodeURIComponent leaves five others. */
function quoted(text: string): string {
  const encoded = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `"${encoded}"`;
}
