// Pure. A table's whole state with its tombstones (PROTOCOL.md "Action Reconciliation"), built only while upkeep needs it:
// snapshots that readers keep do without tombstones. Holds the live files, the tombstones and the transactions.
import { isJsonObject, type JsonObject } from '../json.js';
import type { ReplayResult } from '../replay.js';
import { fileKey } from './rawActions.js';

/** Fields that a tombstone in a checkpoint does not have; left out at once, since they are most of its size. */
function withoutStatistics(remove: JsonObject): JsonObject {
  const { stats: _, tags: __, ...rest } = remove;
  return rest;
}

export class FullState {
  protocol: JsonObject | undefined;
  metaData: JsonObject | undefined;
  readonly adds = new Map<string, JsonObject>();
  readonly removes = new Map<string, JsonObject>();
  readonly transactions = new Map<string, JsonObject>();
  readonly domains = new Map<string, JsonObject>();

  /** @param version of the table after the last `apply` */
  constructor(public version: number) {}

  /** Actions of one commit, or rows of a checkpoint. Removes first: a commit may take a file back with another deletion vector. */
  apply(version: number, actions: Iterable<JsonObject>): void {
    const adds: JsonObject[] = [];
    for (const { add, remove, txn, protocol, metaData, domainMetadata } of actions) {
      if (isJsonObject(add)) adds.push(add);
      if (isJsonObject(remove)) this.#remove(remove);
      if (isJsonObject(txn)) this.transactions.set(String(txn.appId), txn);
      if (isJsonObject(protocol)) this.protocol = protocol;
      if (isJsonObject(metaData)) this.metaData = metaData;
      if (isJsonObject(domainMetadata)) this.#setDomain(domainMetadata);
    }
    for (const add of adds) this.#add(add);
    this.version = version;
  }

  #remove(remove: JsonObject): void {
    const key = fileKey(remove);
    this.adds.delete(key);
    this.removes.set(key, withoutStatistics(remove));
  }

  #add(add: JsonObject): void {
    const key = fileKey(add);
    this.removes.delete(key);
    this.adds.set(key, add);
  }

  #setDomain(domain: JsonObject): void {
    if (domain.removed === true) this.domains.delete(String(domain.domain));
    else this.domains.set(String(domain.domain), domain);
  }
}

export interface CompleteState extends FullState {
  protocol: JsonObject;
  metaData: JsonObject;
}

/** The first state, from a checkpoint's actions or those of version 0. */
export function startFullState(version: number, actions: Iterable<JsonObject>): ReplayResult<CompleteState> {
  const state = new FullState(version);
  state.apply(version, actions);
  if (isComplete(state)) return { kind: 'state', state };
  return { kind: 'incomplete', missing: state.protocol === undefined ? 'protocol' : 'metaData' };
}

function isComplete(state: FullState): state is CompleteState {
  return state.protocol !== undefined && state.metaData !== undefined;
}

/** Tombstones that vacuum and readers of older versions still need. One without a time counts as expired, as in Spark. */
export function unexpiredRemoves(state: FullState, nowMs: number, retentionMs: number): JsonObject[] {
  const limit = nowMs - retentionMs;
  return [...state.removes.values()].filter(
    ({ deletionTimestamp }) => typeof deletionTimestamp === 'number' && deletionTimestamp > limit,
  );
}
