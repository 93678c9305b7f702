// RESTORE: a new version with the files and the schema of an older one.
import { TributaryError } from '../base/index.js';
import type { ObjectStore } from '../storage/index.js';
import { transactionFacts } from './conflict.js';
import { defaultEngineInfo } from './createTable.js';
import { readRecentCommits } from './history.js';
import type { JsonObject } from './json.js';
import { commitTransaction } from './upkeep/commitTransaction.js';
import { flagSetting } from './upkeep/intervals.js';
import { removeOf } from './upkeep/removeFile.js';
import { openForUpkeep, type UpkeepOptions, type UpkeepTable } from './upkeep/upkeepTable.js';
import { namesOf } from './upkeep/vacuumPlan.js';
import { findVacuumAtWork, vacuumLeaseMs } from './upkeep/vacuumRuns.js';

export interface RestoreOptions extends UpkeepOptions {
  readonly version: number;
}

export type RestoreResult =
  /** The table holds what that version held. */
  | { readonly kind: 'nothing'; readonly version: number }
  | {
      readonly kind: 'restored';
      readonly version: number;
      readonly restoredFileCount: number;
      readonly removedFileCount: number;
    }
  /** Somebody committed meanwhile; nothing was changed. */
  | { readonly kind: 'conflict'; readonly version: number }
  /**
   * A vacuum that started with this version has not ended, and may delete the files that would come back. One that died stops counting
   * an hour after it started. Nothing was changed.
   */
  | { readonly kind: 'vacuumAtWork'; readonly version: number };

/**
 * Transactions stay as they are: a stream that feeds the table goes on where it is, and does not bring back the rows that are taken out.
 * The protocol stays, too: a feature may be in use by files that older versions still need.
 * @throws TributaryError DELTA_FILE_MISSING when vacuum took files of that version, DELTA_VERSION_NOT_FOUND when cleanup took its log,
 *   DELTA_PROTOCOL_UNSUPPORTED for append-only tables
 */
export async function restoreTable(options: RestoreOptions): Promise<RestoreResult> {
  const current = await openForUpkeep(options);
  const wanted = await openForUpkeep(options, options.version);
  const returning = missingFrom(wanted.state.adds, current.state.adds);
  const leaving = missingFrom(current.state.adds, wanted.state.adds);
  const hasOtherMetadata = JSON.stringify(wanted.metadata) !== JSON.stringify(current.metadata);
  if (returning.length + leaving.length === 0 && !hasOtherMetadata)
    return { kind: 'nothing', version: current.state.version };
  if (leaving.length > 0) refuseAppendOnly(current);
  if (returning.length > 0) {
    // By the log up to the version read above: a vacuum that starts later makes this one's commit a conflict.
    const version = await readVacuumAtWork(current, options);
    if (version !== undefined) return { kind: 'vacuumAtWork', version };
  }
  await assertPresent(current, returning, options.version);

  const nowMs = options.clock.nowMs();
  const txnId = options.random.uuid();
  const outcome = await commitTransaction(
    current.log,
    {
      readVersion: current.state.version,
      txnId,
      facts: transactionFacts({ changesTable: true }),
      // It says what the table is as a whole: any commit in between would be undone unseen.
      isExclusive: true,
      lines: [
        { commitInfo: commitInfoOf(options, current.state.version, returning, leaving, nowMs, txnId) },
        ...(hasOtherMetadata ? [{ metaData: wanted.state.metaData }] : []),
        ...leaving.map((add) => ({ remove: removeOf(add, nowMs, true) })),
        ...returning.map((add) => ({ add: { ...add, dataChange: true } })),
      ],
    },
    options,
  );
  if (outcome.kind === 'conflict') return { kind: 'conflict', version: outcome.version };
  return {
    kind: 'restored',
    version: outcome.version,
    restoredFileCount: returning.length,
    removedFileCount: leaving.length,
  };
}

/** A storage's clock and ours may differ by so much. */
const clockSkewMs = 600_000;

async function readVacuumAtWork(
  { log, state }: UpkeepTable,
  { clock }: RestoreOptions,
): Promise<number | undefined> {
  const commits = await readRecentCommits(log, clock.nowMs() - vacuumLeaseMs - clockSkewMs);
  return findVacuumAtWork(
    commits.filter(({ version }) => version <= state.version),
    clock.nowMs() - clockSkewMs,
  );
}

type Files = ReadonlyMap<string, JsonObject>;

/** Files of `files` that `others` lacks. */
function missingFrom(files: Files, others: Files): JsonObject[] {
  return [...files].flatMap(([key, add]) => (others.has(key) ? [] : [add]));
}

function refuseAppendOnly({ log, metadata }: UpkeepTable): void {
  if (!flagSetting(metadata.configuration, 'delta.appendOnly', false)) return;
  throw new TributaryError(
    'DELTA_PROTOCOL_UNSUPPORTED',
    `Table ${log.table} is append-only (delta.appendOnly): rows added since cannot be taken back.`,
  );
}

const parallelChecks = 16;

async function assertPresent(
  table: UpkeepTable,
  files: readonly JsonObject[],
  version: number,
): Promise<void> {
  const missing: string[] = [];
  for (let start = 0; start < files.length; start += parallelChecks) {
    const names = files.slice(start, start + parallelChecks).flatMap(namesOf);
    const areThere = await Promise.all(names.map((name) => isThere(table.log.store, name)));
    missing.push(...names.filter((_, index) => !areThere[index]));
  }
  const [first] = missing;
  if (first === undefined) return;
  throw new TributaryError(
    'DELTA_FILE_MISSING',
    `Table ${table.log.table} cannot go back to version ${version}: ${missing.length} of its data files are gone, ${first} for one. A vacuum has deleted them; choose a newer version.`,
  );
}

async function isThere(store: ObjectStore, name: string): Promise<boolean> {
  return (await store.head(name)) !== undefined;
}

function commitInfoOf(
  options: RestoreOptions,
  readVersion: number,
  returning: readonly JsonObject[],
  leaving: readonly JsonObject[],
  nowMs: number,
  txnId: string,
): JsonObject {
  const bytes = (files: readonly JsonObject[]) =>
    String(files.reduce((sum, { size }) => sum + Number(size ?? 0), 0));
  return {
    timestamp: nowMs,
    operation: 'RESTORE',
    operationParameters: { version: String(options.version), timestamp: null },
    readVersion,
    isolationLevel: 'Serializable',
    isBlindAppend: false,
    operationMetrics: {
      numRestoredFiles: String(returning.length),
      restoredFilesSize: bytes(returning),
      numRemovedFiles: String(leaving.length),
      removedFilesSize: bytes(leaving),
    },
    engineInfo: options.engineInfo ?? defaultEngineInfo,
    txnId,
  };
}
