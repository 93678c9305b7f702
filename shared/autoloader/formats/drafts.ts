// Pure. Records as the readers of the formats make them, before they get their numbers.
import type { DataField } from '../../parquet/index.js';
import type { Splitter } from './spans.js';
import type { BadRecordReason, FileObject, ReadRecordsOptions } from './types.js';

export interface GoodDraft {
  readonly kind: 'record';
  readonly value: FileObject;
  readonly offset: number;
  /** Bytes of the file that it was read from. */
  readonly sourceBytes: number;
}

export interface BadDraft {
  readonly kind: 'bad';
  readonly offset: number;
  readonly sourceBytes: number;
  readonly reason: BadRecordReason;
  readonly detail: string;
  readonly bytes: Uint8Array;
  /** Not a record, but the rest of the file. */
  readonly isRest?: boolean;
}

export type Draft = GoodDraft | BadDraft;

/** Drafts of one piece of a file, made as they are asked for: a piece may expand to more than fits in memory. */
export type DraftSource = AsyncIterable<Iterable<Draft>>;

/** Of a file that declares its columns; `fields` is undefined where they say nothing about the records. */
export type DeclaredDrafts = AsyncIterable<{
  readonly fields: readonly DataField[] | undefined;
  readonly drafts: Iterable<Draft>;
}>;

type WithDefault = Exclude<keyof ReadRecordsOptions, 'csv'>;

export type ReadLimits = { readonly [Key in WithDefault]-?: Exclude<ReadRecordsOptions[Key], undefined> } & {
  readonly csv: { readonly header: boolean; readonly delimiter: string; readonly quote: string };
};

const mebibyte = 2 ** 20;

export function withDefaults(options: ReadRecordsOptions): ReadLimits {
  return {
    format: options.format ?? 'auto',
    csv: {
      header: options.csv?.header ?? true,
      delimiter: options.csv?.delimiter ?? ',',
      quote: options.csv?.quote ?? '"',
    },
    unwrapEnvelopes: options.unwrapEnvelopes ?? true,
    keepWrittenFractions: options.keepWrittenFractions ?? false,
    maxDecompressedBytes: options.maxDecompressedBytes ?? 8192 * mebibyte,
    maxCompressionRatio: options.maxCompressionRatio ?? 500,
    maxRecordBytes: options.maxRecordBytes ?? 16 * mebibyte,
    maxDepth: options.maxDepth ?? 64,
    maxChunkRecords: options.maxChunkRecords ?? 1000,
    maxChunkBytes: options.maxChunkBytes ?? 4 * mebibyte,
    maxBadBytes: options.maxBadBytes ?? 65_536,
  };
}

/** Sets an own property whatever its name: assigning to `__proto__` would set the prototype instead. */
export function setMember<Value>(object: Record<string, Value>, key: string, value: Value): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** What was being read when the content ended in damage: it may look complete and not be. */
export function* cutRecords(splitter: Splitter, why: Error, maxBadBytes: number): Iterable<BadDraft> {
  for (const { kind, offset, bytes } of splitter.end()) {
    if (kind !== 'cut') continue;
    const detail = `The record at byte ${offset} is cut off. ${why.message}`;
    const kept = bytes.subarray(0, maxBadBytes);
    yield { kind: 'bad', offset, sourceBytes: bytes.length, reason: 'truncated', detail, bytes: kept };
  }
}
