// Pure. Values as the real host hands them to the Node worker (functions host, RpcMessageConversionExtensions).
import type { TypedData } from './coreTypes.js';

export function jsonData(value: unknown): TypedData {
  return { json: JSON.stringify(toJsonValue(value)) };
}

/** Null and empty entries are left out, as the real host does, so the result can be shorter than the input. */
export function stringsData(values: readonly (string | null | undefined)[]): TypedData {
  const present = values.filter(
    (value): value is string => value !== undefined && value !== null && value !== '',
  );
  return { collectionString: { string: present } };
}

/**
 * As .NET writes it: dates in ISO form, bytes in base64. (JSON.stringify alone would make an object of a Buffer.)
 * Numbers that JSON lacks become null.
 */
export function toJsonValue(value: unknown): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(toJsonValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toJsonValue(inner)]));
}

type Metadata = Readonly<Record<string, TypedData>>;

/**
 * When a trigger's value is text that holds a JSON object, the host adds the object's own properties to the metadata,
 * arrays excepted, replacing same names whatever their case.
 */
export function withBodyProperties(metadata: Metadata, text: string): Metadata {
  const body = parseObject(text);
  if (body === undefined) return metadata;
  const merged = new Map(Object.entries(metadata).map(([key, data]) => [key.toLowerCase(), { key, data }]));
  for (const [key, value] of Object.entries(body)) {
    if (Array.isArray(value) || value === null) continue;
    const data = typeof value === 'string' ? { string: value } : jsonData(value);
    merged.set(key.toLowerCase(), { key, data });
  }
  return Object.fromEntries([...merged.values()].map(({ key, data }) => [key, data]));
}

function parseObject(text: string): object | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    // Not JSON: plain text, which has no properties.
    return undefined;
  }
}
