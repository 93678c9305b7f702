// Pure. The operations of the entity, by name: state and input in, state and answer out. Nothing is thrown.
import { describeError, TributaryError } from '../base/index.js';
import { DeviceShard } from './deviceShard.js';
import type { ShardPlan } from './plan.js';
import type { SealInput } from './results.js';
import { withUnreadSignal } from './shardState.js';

export interface OperationResult {
  /** Absent where the state stays as it is. */
  readonly state?: unknown;
  /** Absent for `ingest`, `ack` and `hold`. */
  readonly answer?: unknown;
  /** For the log: the operation could not be carried out. */
  readonly problem?: string;
}

/** A shard between the operations of one batch. */
export class ShardSession {
  readonly #unread: { state: unknown; problem: string } | undefined;
  readonly #shard: DeviceShard | undefined;

  constructor(state: unknown, plan: ShardPlan) {
    try {
      this.#shard = new DeviceShard(state, plan);
    } catch (error) {
      this.#unread = { state, problem: describeError(error) };
    }
  }

  /**
   * - `ingest` (ShardSignal[]);
   * - `seal` (SealInput) -> SealedBatch;
   * - `ack` ({ number });
   * - `hold` ({ nowMs });
   * - `describe` ({ nowMs }) -> ShardSummary.
   */
  run(operation: string, input: unknown): OperationResult {
    if (this.#shard === undefined) return this.#keep(operation, input);
    try {
      const answer = answerOf(this.#shard, operation, input);
      return {
        ...(this.#shard.isChanged ? { state: this.#shard.encode() } : {}),
        ...(answer === undefined ? {} : { answer }),
      };
    } catch (error) {
      return { problem: describeError(error) };
    }
  }

  /** The state is that of a later version: it stays, and so do the signals. */
  #keep(operation: string, input: unknown): OperationResult {
    const unread = this.#unread;
    if (unread === undefined || operation !== 'ingest') return { problem: unread?.problem ?? '' };
    unread.state = withUnreadSignal(unread.state, input);
    return { state: unread.state, problem: unread.problem };
  }
}

function answerOf(shard: DeviceShard, operation: string, input: unknown): unknown {
  switch (operation) {
    case 'ingest':
      return void shard.ingest(input);
    case 'seal':
      return shard.seal(input as SealInput);
    case 'ack':
      return void shard.acknowledge((input as { number: number }).number);
    case 'hold':
      return void shard.hold((input as { nowMs: number }).nowMs);
    case 'describe':
      return shard.describe((input as { nowMs: number }).nowMs);
    default:
      throw new TributaryError('INPUT_INVALID', `A shard has no operation "${operation}".`);
  }
}
