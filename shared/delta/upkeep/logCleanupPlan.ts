// Pure. Which files of the log nobody needs any more (PROTOCOL.md "Metadata Cleanup").
import type { ObjectInfo } from '../../storage/index.js';
import { monotoneTimes, versionAt } from '../commitTimes.js';
import { completeCheckpoints } from '../logSegment.js';
import { commitVersionOf, logFolder } from '../paths.js';

export interface LogCleanupInput {
  /** Files of `_delta_log/` with their times in storage. */
  readonly files: readonly ObjectInfo[];
  readonly nowMs: number;
  readonly retentionMs: number;
}

export type LogCleanupPlan =
  /** No checkpoint is older than the retention. */
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'delete';
      /** Stays, with the commit of its version and all that came later. */
      readonly checkpointVersion: number;
      /** Oldest version first. */
      readonly paths: readonly string[];
    };

const dayMs = 86_400_000;

const commitName = /^(\d{20})\.json$/;
const checksumName = /^(\d{20})\.crc$/;
/** Classic, a part of one, or V2. */
const checkpointName =
  /^(\d{20})\.checkpoint(?:\.\d{10}\.\d{10}\.parquet|\.[0-9a-fA-F-]{36}\.(?:parquet|json)|\.parquet)$/;
const compactedName = /^(\d{20})\.(\d{20})\.compacted\.json$/;

export function planLogCleanup({ files, nowMs, retentionMs }: LogCleanupInput): LogCleanupPlan {
  const named = files.map((file) => ({ ...file, name: file.path.slice(logFolder.length) }));
  // Whole days, so that cleanup happens at most daily however often it is asked for.
  const cutoffMs = Math.floor((nowMs - retentionMs) / dayMs) * dayMs;
  const cutoffCommit = newestCommit(named, cutoffMs);
  if (cutoffCommit === undefined) return { kind: 'nothing' };
  const checkpointVersion = completeCheckpoints(files).findLast(
    ({ version }) => version <= cutoffCommit,
  )?.version;
  if (checkpointVersion === undefined) return { kind: 'nothing' };
  const expired = named.filter(({ name }) => isExpired(name, checkpointVersion)).map(({ path }) => path);
  // Names start with the version, so their order is that of the versions.
  return expired.length === 0
    ? { kind: 'nothing' }
    : { kind: 'delete', checkpointVersion, paths: expired.sort() };
}

/** Newest version committed up to `cutoffMs`. */
function newestCommit(files: readonly ObjectInfo[], cutoffMs: number): number | undefined {
  const commits = files
    .flatMap(({ path, lastModifiedMs }) => {
      const version = commitVersionOf(path);
      return version === undefined ? [] : [{ version, timestampMs: lastModifiedMs }];
    })
    .sort((left, right) => left.version - right.version);
  return versionAt(monotoneTimes(commits), cutoffMs);
}

function isExpired(name: string, checkpointVersion: number): boolean {
  const compacted = compactedName.exec(name);
  if (compacted !== null) return Number(compacted[1]) <= checkpointVersion;
  const versioned = commitName.exec(name) ?? checksumName.exec(name) ?? checkpointName.exec(name);
  return versioned !== null && Number(versioned[1]) < checkpointVersion;
}

/**
 * Sidecars that no checkpoint refers to. Young ones stay, as their checkpoint may be about to be written: counted from midnight, so that
 * a checkpoint may take a day.
 */
export function unusedSidecars(
  sidecars: readonly ObjectInfo[],
  used: ReadonlySet<string>,
  nowMs: number,
): string[] {
  const cutoffMs = Math.floor(nowMs / dayMs) * dayMs - dayMs;
  return sidecars.flatMap(({ path, lastModifiedMs }) =>
    lastModifiedMs < cutoffMs && !used.has(path) ? [path] : [],
  );
}
