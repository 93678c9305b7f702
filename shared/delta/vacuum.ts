// VACUUM: deletes data files that no version within the retention refers to.
import { type Clock, type Random, TributaryError } from '../base/index.js';
import { type TransactionFacts, transactionFacts } from './conflict.js';
import { defaultEngineInfo } from './createTable.js';
import type { JsonObject } from './json.js';
import type { TableLog } from './log.js';
import { logOf } from './tableReader.js';
import { deleteAll } from './upkeep/boundedDeletes.js';
import { commitTransaction } from './upkeep/commitTransaction.js';
import { deletedFileRetentionMs } from './upkeep/intervals.js';
import { openForUpkeep, type UpkeepOptions, type UpkeepTable } from './upkeep/upkeepTable.js';
import { isLeftOver, namesOf, neededNames, type VacuumRules } from './upkeep/vacuumPlan.js';
import { vacuumLeaseMs, vacuumTags } from './upkeep/vacuumRuns.js';

export interface VacuumOptions extends UpkeepOptions {
  /** Default, and without `allowShortRetention` least, the table's `delta.deletedFileRetentionDuration` (7 days). */
  readonly retentionMs?: number;
  /** Only while nobody reads older versions and no writer is at work: files that it is about to commit would be deleted. */
  readonly allowShortRetention?: boolean;
  readonly onProgress?: (doneCount: number, fileCount: number) => void;
}

export interface VacuumPlan {
  /** Version that the plan was made on. */
  readonly version: number;
  /** Objects that nobody needs, in order. */
  readonly paths: readonly string[];
  readonly bytes: number;
  readonly folderCount: number;
  readonly retentionMs: number;
  readonly defaultRetentionMs: number;
}

export type VacuumResult =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'vacuumed';
      readonly deletedCount: number;
      readonly bytes: number;
      /** Objects that the storage refuses to delete, as an immutability policy does. */
      readonly refused: readonly { readonly path: string; readonly reason: string }[];
    }
  /** A rival changed the table's protocol or properties, or brought planned files back. What was not deleted stays. */
  | { readonly kind: 'aborted'; readonly deletedCount: number };

/**
 * What `vacuumTable` would delete. Memory: the names of all live files, unexpired tombstones and left-overs.
 * @throws TributaryError INPUT_INVALID for a retention that is too short; DELTA_PROTOCOL_UNSUPPORTED for tables that share files with others
 */
export async function planVacuum(options: VacuumOptions): Promise<VacuumPlan> {
  const table = await openForUpkeep(options);
  const { log, state, metadata } = table;
  const { configuration } = metadata;
  const defaultRetentionMs = deletedFileRetentionMs(configuration);
  const retentionMs = options.retentionMs ?? defaultRetentionMs;
  if (retentionMs < defaultRetentionMs && options.allowShortRetention !== true)
    throw tooShort(table, retentionMs, defaultRetentionMs);
  const nowMs = options.clock.nowMs();
  const rules: VacuumRules = {
    needed: neededNames(state, nowMs, retentionMs),
    olderThanMs: nowMs - retentionMs,
    partitionColumns: metadata.partitionColumns,
    hidesMetadataFolder: (configuration['delta.universalFormat.enabledFormats'] ?? '') !== '',
  };
  return {
    version: state.version,
    ...(await findLeftOvers(log, rules)),
    retentionMs,
    defaultRetentionMs,
  };
}

async function findLeftOvers(
  log: TableLog,
  rules: VacuumRules,
): Promise<Pick<VacuumPlan, 'paths' | 'bytes' | 'folderCount'>> {
  const paths: string[] = [];
  const folders = new Set<string>(['']);
  let bytes = 0;
  for await (const object of log.store.list('')) {
    if (!isLeftOver(object, rules)) continue;
    paths.push(object.path);
    folders.add(object.path.slice(0, Math.max(0, object.path.lastIndexOf('/'))));
    bytes += object.sizeBytes;
  }
  return { paths, bytes, folderCount: folders.size };
}

function tooShort({ log }: UpkeepTable, retentionMs: number, leastMs: number): TributaryError {
  const hours = (milliseconds: number): string => {
    const count = Math.round(milliseconds / 36_000) / 100;
    return `${count} ${count === 1 ? 'hour' : 'hours'}`;
  };
  return new TributaryError(
    'INPUT_INVALID',
    `A retention of ${hours(retentionMs)} is shorter than the ${hours(leastMs)} of table ${log.table} (delta.deletedFileRetentionDuration). ` +
      'Files that readers of older versions or running writers need could be deleted. Change the property, or override the check.',
  );
}

/** Plans, and deletes what the plan holds, between two entries in the log. Safe to repeat after an error. */
export async function vacuumTable(options: VacuumOptions): Promise<VacuumResult> {
  return executeVacuum(await planVacuum(options), options);
}

/** Few enough that many go by within half a lease, whatever the storage's pace. */
const filesPerRound = 1_024;

/**
 * A restore that wants planned files back is kept away by the start in the log, or keeps this from starting.
 * @throws TributaryError STORAGE_UNAVAILABLE, and as committing does; the same call completes what is left
 */
export async function executeVacuum(plan: VacuumPlan, options: VacuumOptions): Promise<VacuumResult> {
  const { paths } = plan;
  if (paths.length === 0) return { kind: 'nothing' };
  const log = logOf(options);
  const run = { log, plan, options, tags: vacuumTags(options.random.uuid()) };
  const refused: Refusal[] = [];
  let deletedCount = 0;
  let version = plan.version;
  let startedMs = Number.NEGATIVE_INFINITY;
  for (let done = 0; done < paths.length; done += filesPerRound) {
    if (options.clock.nowMs() - startedMs > vacuumLeaseMs / 2) {
      startedMs = options.clock.nowMs();
      const start = await logStart(run, version, paths.slice(done));
      if (start.kind === 'conflict') {
        if (done > 0) await logEnd(run, start.version, deletedCount, 'FAILED');
        return { kind: 'aborted', deletedCount };
      }
      version = start.version;
    }
    const round = await deleteAll(log.store, paths.slice(done, done + filesPerRound), options, (count) =>
      options.onProgress?.(done + count, paths.length),
    );
    deletedCount += round.deletedCount;
    refused.push(...round.refused);
  }
  await logEnd(run, version, deletedCount, refused.length === 0 ? 'COMPLETED' : 'FAILED');
  return { kind: 'vacuumed', deletedCount, bytes: plan.bytes, refused };
}

type Refusal = Extract<VacuumResult, { kind: 'vacuumed' }>['refused'][number];

interface VacuumRun {
  readonly log: TableLog;
  readonly plan: VacuumPlan;
  readonly options: VacuumOptions;
  readonly tags: JsonObject;
}

/** Conflicts with rivals that made any of the files part of the table again. */
function logStart({ log, plan, options, tags }: VacuumRun, readVersion: number, paths: readonly string[]) {
  const planned = new Set(paths);
  const facts = transactionFacts({
    looksFor: (add) => namesOf({ ...add }).some((name) => planned.has(name)),
  });
  return logEntry(log, readVersion, { ...startInfo(plan, options), tags }, facts, options);
}

/** The files are gone: whatever a rival changed since, the entry is true. */
async function logEnd(
  { log, plan, options, tags }: VacuumRun,
  readVersion: number,
  deletedCount: number,
  status: 'COMPLETED' | 'FAILED',
): Promise<void> {
  const info = { ...endInfo(plan, deletedCount, status), tags };
  for (let version = readVersion; ; ) {
    const end = await logEntry(log, version, info, transactionFacts(), options);
    if (end.kind === 'committed') return;
    version = end.version;
  }
}

function startInfo(plan: VacuumPlan, options: VacuumOptions): JsonObject {
  return {
    operation: 'VACUUM START',
    operationParameters: {
      retentionCheckEnabled: String(options.allowShortRetention !== true),
      defaultRetentionMillis: String(plan.defaultRetentionMs),
      ...(options.retentionMs === undefined ? {} : { specifiedRetentionMillis: String(options.retentionMs) }),
    },
    operationMetrics: {
      numFilesToDelete: String(plan.paths.length),
      sizeOfDataToDelete: String(plan.bytes),
    },
  };
}

function endInfo(plan: VacuumPlan, deletedCount: number, status: string): JsonObject {
  return {
    operation: 'VACUUM END',
    operationParameters: { status },
    operationMetrics: {
      numDeletedFiles: String(deletedCount),
      numVacuumedDirectories: String(plan.folderCount),
    },
  };
}

/** A commit that changes nothing. */
function logEntry(
  log: TableLog,
  readVersion: number,
  info: JsonObject,
  facts: TransactionFacts,
  context: { readonly clock: Clock; readonly random: Random; readonly engineInfo?: string },
) {
  const txnId = context.random.uuid();
  const commitInfo = {
    timestamp: context.clock.nowMs(),
    ...info,
    readVersion,
    isBlindAppend: true,
    engineInfo: context.engineInfo ?? defaultEngineInfo,
    txnId,
  };
  return commitTransaction(log, { readVersion, txnId, facts, lines: [{ commitInfo }] }, context);
}
