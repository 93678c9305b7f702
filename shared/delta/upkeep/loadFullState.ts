// Loads a table's whole state at a version from its log, with tombstones and with fields that only other engines use.
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { describeError, TributaryError } from '../../base/index.js';
import type { JsonObject } from '../actions.js';
import { listLog, type TableLog } from '../log.js';
import { commitPath, logFolder } from '../paths.js';
import { FullState } from './fullState.js';
import { isJsonObject, parseRawCommit } from './rawActions.js';

export interface CompleteState extends FullState {
  readonly protocol: JsonObject;
  readonly metaData: JsonObject;
}

/** Commits read at once. */
const parallelReads = 16;

const commitName = /^(\d{20})\.json$/;
const checkpointName = /^(\d{20})\.checkpoint\.parquet$/;

interface Bases {
  readonly latest: number;
  /** Versions of classic checkpoints, newest first. */
  readonly checkpoints: readonly number[];
  readonly commits: ReadonlySet<number>;
}

/**
 * @param version default the newest
 * @returns undefined when there is no table, or not yet this version
 * @throws TributaryError DELTA_LOG_GAP when no readable checkpoint and commits lead to the version, DELTA_LOG_CORRUPT, or of the store
 */
export async function loadFullState(log: TableLog, version?: number): Promise<CompleteState | undefined> {
  const bases = await findBases(log);
  const wanted = version ?? bases.latest;
  if (bases.latest < 0 || wanted > bases.latest) return undefined;
  const obstacles: string[] = [];
  for (const base of [...bases.checkpoints.filter((checkpoint) => checkpoint <= wanted), -1]) {
    const missing = firstMissing(bases.commits, base + 1, wanted);
    if (missing !== undefined) {
      obstacles.push(`version ${missing} is missing after ${base < 0 ? 'the start' : `checkpoint ${base}`}`);
      continue;
    }
    const state = await startFrom(log, base);
    if (typeof state === 'string') {
      obstacles.push(state);
      continue;
    }
    await replayCommits(log, state, wanted);
    return complete(log, state);
  }
  throw new TributaryError(
    'DELTA_LOG_GAP',
    `Version ${wanted} of table ${log.table} cannot be rebuilt: ${obstacles.join('; ')}. Only classic single-file checkpoints are taken as a start.`,
  );
}

async function findBases(log: TableLog): Promise<Bases> {
  const commits = new Set<number>();
  const checkpoints: number[] = [];
  for (const { path, sizeBytes } of await listLog(log, 0)) {
    const name = path.slice(logFolder.length);
    const commit = commitName.exec(name);
    const checkpoint = checkpointName.exec(name);
    if (commit) commits.add(Number(commit[1]));
    if (checkpoint && sizeBytes > 0) checkpoints.unshift(Number(checkpoint[1]));
  }
  const latest = [...commits].reduce((newest, commit) => Math.max(newest, commit), checkpoints[0] ?? -1);
  return { latest, checkpoints, commits };
}

function firstMissing(commits: ReadonlySet<number>, from: number, to: number): number | undefined {
  for (let version = from; version <= to; version++) if (!commits.has(version)) return version;
  return undefined;
}

/** @returns why the checkpoint cannot be the start */
async function startFrom(log: TableLog, base: number): Promise<FullState | string> {
  const state = new FullState(base);
  if (base < 0) return state;
  const path = `${commitPath(base).slice(0, -'.json'.length)}.checkpoint.parquet`;
  const bytes = await log.store.read(path);
  if (bytes === undefined) return `checkpoint ${base} is listed but not there`;
  try {
    for await (const rows of checkpointRows(bytes)) state.apply(base, rows);
  } catch (error) {
    if (error instanceof TributaryError) throw error;
    return `checkpoint ${base} cannot be read (${describeError(error)})`;
  }
  return state;
}

const wantedColumns = [
  'txn',
  'add',
  'remove',
  'metaData',
  'protocol',
  'domainMetadata',
  'sidecar',
  'checkpointMetadata',
];

/** A row group at a time, which bounds the memory besides the state itself; decoding less would decode pages twice. */
async function* checkpointRows(bytes: Uint8Array): AsyncGenerator<JsonObject[]> {
  const file = new Uint8Array(bytes).buffer;
  const metadata = await parquetMetadataAsync(file);
  const present = new Set(parquetSchema(metadata).children.map(({ element }) => element.name));
  const columns = wantedColumns.filter((name) => present.has(name));
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await parquetReadObjects({ file, metadata, columns, compressors, rowStart, rowEnd });
    yield rows.map(actionOf);
    rowStart = rowEnd;
  }
}

function actionOf(row: Readonly<Record<string, unknown>>): JsonObject {
  if (row.sidecar || row.checkpointMetadata) throw unsupported('in the V2 form (table feature v2Checkpoint)');
  const action: Record<string, JsonObject> = {};
  for (const [name, value] of Object.entries(row)) {
    const fields = plain(value);
    if (isJsonObject(fields)) action[name] = withoutParsed(fields);
  }
  return action;
}

/** Statistics that exist only as a struct would be lost when the row is written again. */
function withoutParsed(fields: JsonObject): JsonObject {
  const { stats_parsed: parsed, partitionValues_parsed: _, ...rest } = fields;
  const isOnlyStruct = (rest.stats ?? undefined) === undefined && isJsonObject(parsed);
  if (isOnlyStruct && (parsed.numRecords ?? undefined) !== undefined)
    throw unsupported('with statistics as structs only (delta.checkpoint.writeStatsAsJson is false)');
  return Object.fromEntries(
    Object.entries(rest).filter(([, value]) => value !== null && value !== undefined),
  );
}

function unsupported(what: string): TributaryError {
  return new TributaryError(
    'DELTA_PROTOCOL_UNSUPPORTED',
    `The table's checkpoint is ${what}; upkeep of such a table is left to the engine that writes it.`,
  );
}

/** The reader gives INT64 as bigint and maps as objects; actions are made of JSON's types. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

async function replayCommits(log: TableLog, state: FullState, to: number): Promise<void> {
  for (let first = state.version + 1; first <= to; first += parallelReads) {
    const count = Math.min(parallelReads, to - first + 1);
    const versions = Array.from({ length: count }, (_, index) => first + index);
    const commits = await Promise.all(versions.map((version) => readRawCommit(log, version)));
    for (const [index, version] of versions.entries()) {
      const actions = commits[index];
      if (actions === undefined) throw vanished(log, version);
      state.apply(version, actions);
    }
  }
}

/** @throws TributaryError DELTA_LOG_CORRUPT, or of the store */
export async function readRawCommit(log: TableLog, version: number): Promise<JsonObject[] | undefined> {
  const path = commitPath(version);
  const bytes = await log.store.read(path);
  return bytes === undefined ? undefined : parseRawCommit(bytes, `${log.table}/${path}`);
}

function vanished(log: TableLog, version: number): TributaryError {
  return new TributaryError(
    'DELTA_LOG_GAP',
    `Version ${version} of table ${log.table} was listed but cannot be read. If another engine is cleaning up the log, try again.`,
    { retry: 'transient' },
  );
}

function complete(log: TableLog, state: FullState): CompleteState {
  if (isComplete(state)) return state;
  throw new TributaryError(
    'DELTA_LOG_CORRUPT',
    `The log of table ${log.table} has no protocol or metaData action up to version ${state.version}.`,
  );
}

function isComplete(state: FullState): state is CompleteState {
  return state.protocol !== undefined && state.metaData !== undefined;
}
