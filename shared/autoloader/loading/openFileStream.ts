// A stream of the pipeline with everything that works on it.
import { type Clock, type Logger, type Random, TributaryError } from '../../base/index.js';
import type { DataType } from '../../parquet/index.js';
import type { FileStream } from '../../pipeline/index.js';
import type { LandingStore, Ledger, ObjectStore } from '../../storage/index.js';
import { FileLedger } from '../ledger/index.js';
import { parseHintType } from '../schema/index.js';
import { type CleaningResult, cleanSource } from './cleaning.js';
import { FileDiscovery } from './discovery.js';
import { FileLoader, type FileLoaderOptions } from './fileLoader.js';

export interface FileStreamContext {
  readonly ledger: Ledger;
  readonly landing: LandingStore;
  readonly lake: ObjectStore;
  /** Folders of the tables in the lake. */
  readonly tableRoot: string;
  readonly quarantineRoot: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits?: NonNullable<FileLoaderOptions['limits']>;
}

export interface OpenFileStream {
  readonly stream: FileStream;
  readonly ledger: FileLedger;
  readonly discovery: FileDiscovery;
  readonly loader: FileLoader;
  clean(): Promise<CleaningResult>;
}

/** @throws TributaryError CONFIG_INVALID that names every schema hint that is no type */
export function openFileStream(stream: FileStream, context: FileStreamContext): OpenFileStream {
  const { landing, clock, ledger: rows } = context;
  const { rename, schemaEvolutionMode, inferColumnTypes, allowOverwrites, name } = stream;
  const rules = { rename, schemaEvolutionMode, inferColumnTypes, hints: hintsOf(stream) };
  const ledger = new FileLedger({ ledger: rows, stream: name, allowOverwrites, clock });
  return {
    stream,
    ledger,
    discovery: new FileDiscovery({ stream, landing, ledger, clock }),
    loader: new FileLoader({ ...context, stream, rules, ledger }),
    clean: () => cleanSource({ stream, landing, ledger, clock }),
  };
}

/** Path in the record -> type. @throws TributaryError CONFIG_INVALID */
function hintsOf({ name, schemaHints }: FileStream): ReadonlyMap<string, DataType> {
  const hints = new Map<string, DataType>();
  const problems: string[] = [];
  for (const [path, text] of Object.entries(schemaHints)) {
    const hint = parseHintType(text);
    if (hint.kind === 'type') hints.set(path, hint.type);
    else problems.push(`- files.${name}.schemaHints.${path}: "${text}" ${hint.problem}`);
  }
  if (problems.length === 0) return hints;
  throw new TributaryError(
    'CONFIG_INVALID',
    `Schema hints in the pipeline's definition are no types:\n${problems.join('\n')}`,
  );
}
