// The files that a table's log names - data files and deletion vectors - as bytes to read.
import { crc32 } from 'node:zlib';
import { TributaryError } from '../base/index.js';
import { openParquet, type ParquetFile, type ParquetSource } from '../parquet/index.js';
import type { ObjectStore } from '../storage/index.js';
import { locateVector, readDeletedRows, unwrapVector, vectorFrameBytes } from './deletionVector.js';
import { decodePath, isAbsolutePath, plainName } from './paths.js';
import type { AddAction, DeletionVector } from './types.js';

export interface StoredFile {
  readonly store: ObjectStore;
  readonly path: string;
}

/** Where a file lies that is named by an absolute URI (as in shallow clones); undefined when it cannot be reached. */
export type ResolveUri = (uri: string) => StoredFile | undefined;

export interface FileContext {
  /** Rooted at the table's folder. */
  readonly store: ObjectStore;
  /** For messages. */
  readonly table: string;
  readonly resolveUri?: ResolveUri;
}

/** @throws TributaryError DELTA_LOG_CORRUPT, DELTA_PROTOCOL_UNSUPPORTED for an absolute path that does not resolve */
function locate(path: string, { store, resolveUri }: FileContext): StoredFile {
  const resolved = isAbsolutePath(path) ? resolveUri?.(path) : undefined;
  return resolved ?? { store, path: plainName(decodePath(path)) };
}

/**
 * A data file with its footer read.
 * @throws TributaryError DELTA_FILE_MISSING, PARQUET_INVALID, PARQUET_UNSUPPORTED, all naming the file
 */
export async function openDataFile(file: AddAction, context: FileContext): Promise<ParquetFile> {
  const stored = locate(file.path, context);
  const open = (byteLength: number) => openParquet(sourceOf(stored, byteLength, context.table));
  try {
    return named(await open(file.size), stored, context);
  } catch (error) {
    if (!isInvalidParquet(error)) throw withFileName(error, stored, context);
    // Some writers log a size that is not the file's; then the footer is not where it should be.
    const found = await stored.store.head(stored.path);
    if (found === undefined) throw missingDataFile(stored.path, context.table);
    if (found.sizeBytes === file.size) throw withFileName(error, stored, context);
    try {
      return named(await open(found.sizeBytes), stored, context);
    } catch (second) {
      throw withFileName(second, stored, context);
    }
  }
}

function isInvalidParquet(error: unknown): boolean {
  return error instanceof TributaryError && error.code === 'PARQUET_INVALID';
}

function named(file: ParquetFile, stored: StoredFile, context: FileContext): ParquetFile {
  return {
    ...file,
    async read(columns) {
      try {
        return await file.read(columns);
      } catch (error) {
        throw withFileName(error, stored, context);
      }
    },
  };
}

function withFileName(error: unknown, { path }: StoredFile, { table }: FileContext): unknown {
  if (!(error instanceof TributaryError) || !error.code.startsWith('PARQUET_')) return error;
  const message = `The data file ${path} of table ${table} cannot be read. ${error.message}`;
  return new TributaryError(error.code, message, { cause: error.cause });
}

function sourceOf({ store, path }: StoredFile, byteLength: number, table: string): ParquetSource {
  return {
    byteLength,
    async slice(start: number, end: number) {
      const bytes = await store.read(path, { start, end });
      if (bytes !== undefined) return new Uint8Array(bytes).buffer;
      throw missingDataFile(path, table);
    },
  };
}

function missingDataFile(path: string, table: string): TributaryError {
  return new TributaryError(
    'DELTA_FILE_MISSING',
    `The data file ${path} of table ${table} is in the log, but not in the storage. Another engine may have vacuumed it: read a newer version.`,
  );
}

/**
 * 1 for every row of the data file that its deletion vector deletes.
 * @throws TributaryError DELTA_FILE_MISSING, DELTA_LOG_CORRUPT
 */
export async function loadDeletedRows(
  file: AddAction,
  vector: DeletionVector,
  rowCount: number,
  context: FileContext,
): Promise<Uint8Array> {
  const location = locateVector(vector, file.path);
  if (location.kind === 'inline') return readDeletedRows(location.bytes, vector, rowCount, file.path);
  const stored = location.isAbsolute
    ? locate(location.path, context)
    : { store: context.store, path: location.path };
  const { offset } = location;
  const framed = await stored.store.read(stored.path, {
    start: offset,
    end: offset + vector.sizeInBytes + vectorFrameBytes,
  });
  if (framed === undefined) {
    throw new TributaryError(
      'DELTA_FILE_MISSING',
      `The deletion vector ${stored.path} of the data file ${file.path} of table ${context.table} is in the log, but not in the storage. Another engine may have vacuumed it: read a newer version.`,
    );
  }
  const bytes = unwrapVector(framed, vector, file.path, crc32);
  return readDeletedRows(bytes, vector, rowCount, file.path);
}
