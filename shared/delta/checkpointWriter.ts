// Writes checkpoints in a single file under the classic name (PROTOCOL.md "Checkpoints"), and the hint that leads readers to them.
import { createHash } from 'node:crypto';
import { type Clock, type Random, TributaryError } from '../base/index.js';
import { encodeRecords } from '../parquet/index.js';
import { readLastCheckpointVersion } from './checkpointReader.js';
import type { TableLog } from './log.js';
import { logFolder, versionDigits } from './paths.js';
import { retryTransient } from './retry.js';
import { logOf } from './tableReader.js';
import type { Metadata, Protocol } from './types.js';
import { canonicalJson } from './upkeep/canonicalJson.js';
import {
  type CheckpointForm,
  checkpointContent,
  checkpointFields,
  type StatisticsForm,
} from './upkeep/checkpointRows.js';
import { countSetting, deletedFileRetentionMs, flagSetting, intervalSetting } from './upkeep/intervals.js';
import { parsedColumnsOf } from './upkeep/parsedColumns.js';
import { openForUpkeep, type UpkeepOptions } from './upkeep/upkeepTable.js';

export interface WriteCheckpointOptions extends UpkeepOptions {
  /** Default the newest. */
  readonly version?: number;
}

export interface CheckpointResult {
  readonly version: number;
  /** Rows of the checkpoint. */
  readonly actionCount: number;
  readonly fileCount: number;
  readonly tombstoneCount: number;
  readonly sizeBytes: number;
}

const hintPath = `${logFolder}_last_checkpoint`;
const maxAttempts = 4;

/** Every so many versions a checkpoint is due; the property `delta.checkpointInterval`. */
export function checkpointInterval(configuration: Readonly<Record<string, string>>): number {
  return countSetting(configuration, 'delta.checkpointInterval', 10);
}

/**
 * Replaces what is there for the version: a rival's checkpoint holds the same. Memory: the live files, the unexpired tombstones and the
 * transactions as objects, and the encoded file.
 * @throws TributaryError DELTA_PROTOCOL_UNSUPPORTED for tables whose checkpoints take another form, and as opening for upkeep does
 */
export async function writeCheckpoint(options: WriteCheckpointOptions): Promise<CheckpointResult> {
  const { log, state, protocol, metadata } = await openForUpkeep(options, options.version);
  const form = formOf(log, protocol, metadata);
  const { configuration } = metadata;
  const retention = {
    nowMs: options.clock.nowMs(),
    deletedFilesMs: deletedFileRetentionMs(configuration),
    transactionsMs:
      configuration['delta.setTransactionRetentionDuration'] === undefined
        ? undefined
        : intervalSetting(configuration, 'delta.setTransactionRetentionDuration', 0),
  };
  const statistics = statisticsFormOf(protocol, metadata);
  const content = checkpointContent(state, retention, form, statistics);
  const fields = checkpointFields(form, statistics);
  const bytes = encodeRecords(fields, content.rows, { rootName: 'spark_schema' });
  const sizeBytes = await putCheckpoint(log, state.version, bytes, options);
  const result = {
    version: state.version,
    actionCount: content.rowCount,
    fileCount: content.addCount,
    tombstoneCount: content.removeCount,
    sizeBytes,
  };
  await moveHint(log, result);
  return result;
}

/**
 * What the table asks for. V2 checkpoints go under the classic name, as the protocol allows: like classic ones they are a single file,
 * so that a crash leaves no part of one, and no sidecar that cleanup would have to find.
 */
function formOf(log: TableLog, protocol: Protocol, { configuration }: Metadata): CheckpointForm {
  const refuse = (what: string): never => {
    throw new TributaryError(
      'DELTA_PROTOCOL_UNSUPPORTED',
      `Table ${log.table} asks for checkpoints ${what}, which are not written here. Let the engine that owns the table write them.`,
    );
  };
  const policy = configuration['delta.checkpointPolicy'] ?? 'classic';
  if (policy !== 'classic' && policy !== 'v2')
    return refuse(`of the policy ${policy} (delta.checkpointPolicy)`);
  if (policy === 'v2' && !supportsV2(protocol))
    refuse('of the policy v2 (delta.checkpointPolicy) without the table feature v2Checkpoint');
  return policy;
}

/**
 * Writer version 3 obliges to these properties; below they are advice, and what every reader takes is written. Whoever asks for neither
 * form gets none: statistics cost nobody a row.
 */
function statisticsFormOf(protocol: Protocol, metadata: Metadata): StatisticsForm {
  const { configuration } = metadata;
  if (protocol.minWriterVersion < 3) return { asJson: true, parsed: undefined };
  const asStruct = flagSetting(configuration, 'delta.checkpoint.writeStatsAsStruct', false);
  const hasVectors = protocol.writerFeatures?.includes('deletionVectors') ?? false;
  return {
    asJson: flagSetting(configuration, 'delta.checkpoint.writeStatsAsJson', true),
    parsed: asStruct ? parsedColumnsOf(metadata, hasVectors) : undefined,
  };
}

function supportsV2({ readerFeatures = [], writerFeatures = [] }: Protocol): boolean {
  return readerFeatures.includes('v2Checkpoint') && writerFeatures.includes('v2Checkpoint');
}

/** @returns size of the file in storage */
async function putCheckpoint(
  log: TableLog,
  version: number,
  bytes: Uint8Array,
  context: { readonly clock: Clock; readonly random: Random },
): Promise<number> {
  const path = `${logFolder}${versionDigits(version)}.checkpoint.parquet`;
  await retryTransient(() => log.store.put(path, bytes), maxAttempts, context);
  // A rival's checkpoint of the same version may have another size: its rows are the same in another order.
  const stored = await log.store.head(path);
  if (stored !== undefined && stored.sizeBytes > 0) return stored.sizeBytes;
  throw new TributaryError(
    'STORAGE_UNAVAILABLE',
    `The checkpoint ${log.table}/${path} was written, but is not in storage. Write it again.`,
  );
}

/**
 * Best effort: readers list the log when the hint is missing or stale. Not backwards, which would only cost them time, unless what it
 * names is gone, as when a table was made anew where another had been.
 */
async function moveHint(log: TableLog, checkpoint: CheckpointResult): Promise<void> {
  const current = await readLastCheckpointVersion(log);
  if (current !== undefined && current > checkpoint.version && (await isCheckpointThere(log, current)))
    return;
  const hint = {
    version: checkpoint.version,
    size: checkpoint.actionCount,
    sizeInBytes: checkpoint.sizeBytes,
    numOfAddFiles: checkpoint.fileCount,
  };
  const checksum = lastCheckpointChecksum(hint);
  await log.store.put(hintPath, new TextEncoder().encode(JSON.stringify({ ...hint, checksum })));
}

async function isCheckpointThere(log: TableLog, version: number): Promise<boolean> {
  for await (const _ of log.store.list(`${logFolder}${versionDigits(version)}.checkpoint.`)) return true;
  return false;
}

/** The `checksum` of `_last_checkpoint`: MD5 of its canonical form. */
export function lastCheckpointChecksum(hint: Readonly<Record<string, unknown>>): string {
  return createHash('md5').update(canonicalJson(hint)).digest('hex');
}

export type DueCheckpoint =
  | ({ readonly kind: 'written' } & CheckpointResult)
  /** Fewer than `interval` versions since the last one. */
  | { readonly kind: 'notDue'; readonly version: number; readonly interval: number };

/** For upkeep that comes by now and then. @param snapshot the table as the caller knows it */
export async function writeCheckpointIfDue(
  snapshot: { readonly version: number; readonly metadata: Metadata },
  options: UpkeepOptions,
): Promise<DueCheckpoint> {
  const interval = checkpointInterval(snapshot.metadata.configuration);
  const last = (await readLastCheckpointVersion(logOf(options))) ?? 0;
  // One of a version that the table does not have is another table's.
  const sinceLast = last > snapshot.version ? snapshot.version : snapshot.version - last;
  if (sinceLast < interval) return { kind: 'notDue', version: snapshot.version, interval };
  return { kind: 'written', ...(await writeCheckpoint(options)) };
}
