// Pure. What a rival's commit means for an append that lost the race to it (the append columns of Spark's conflict rules).
import type { CommitActions } from './actions.js';

export type Conflict =
  /** The append can go to the next version as it is. */
  | { readonly kind: 'none' }
  /** The rival changed what the append was checked against: protocol, schema or properties. */
  | { readonly kind: 'tableChanged' }
  /** The rival committed for applications whose versions decided what the append contains. */
  | { readonly kind: 'transaction'; readonly appIds: readonly string[] };

/**
 * Added and removed files of the rival never matter: an append reads no files.
 * @param readAppIds applications whose versions the append was prepared with
 */
export function checkAppendConflict(readAppIds: ReadonlySet<string>, winner: CommitActions): Conflict {
  if (winner.protocol !== undefined || winner.metadata !== undefined) return { kind: 'tableChanged' };
  const appIds = winner.transactions.map(({ appId }) => appId).filter((appId) => readAppIds.has(appId));
  return appIds.length === 0 ? { kind: 'none' } : { kind: 'transaction', appIds };
}
