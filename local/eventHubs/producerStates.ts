// Pure. Idempotent publishing: what each producer of a partition stored last, so that a repeated send is known.

export interface ProducerState {
  readonly id: number;
  readonly epoch: number;
  /** Sequence of the last stored event. */
  readonly lastSequence: number;
}

/** The marks on a batch: its producer, and the sequences its events carry. */
export interface ProducerBatch {
  readonly id: number;
  readonly epoch: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
}

export type ProducerVerdict =
  | { readonly kind: 'store' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'outOfOrder'; readonly expectedSequence: number }
  | { readonly kind: 'epochStolen'; readonly currentEpoch: number };

/** Producers remembered per partition; of more, those that were quiet longest are forgotten. */
const maxProducers = 1_000;

export class ProducerStates {
  /** In the order of their last use. */
  readonly #byId = new Map<number, ProducerState>();

  get(id: number): ProducerState | undefined {
    return this.#byId.get(id);
  }

  all(): readonly ProducerState[] {
    return [...this.#byId.values()];
  }

  set(state: ProducerState): void {
    this.#byId.delete(state.id);
    this.#byId.set(state.id, state);
    if (this.#byId.size <= maxProducers) return;
    const [oldest] = this.#byId.keys();
    if (oldest !== undefined) this.#byId.delete(oldest);
  }

  judge(batch: ProducerBatch): ProducerVerdict {
    const state = this.#byId.get(batch.id);
    if (state === undefined) return { kind: 'store' };
    if (batch.epoch < state.epoch) return { kind: 'epochStolen', currentEpoch: state.epoch };
    if (batch.firstSequence <= state.lastSequence) return { kind: 'duplicate' };
    const expectedSequence = state.lastSequence + 1;
    if (batch.firstSequence !== expectedSequence) return { kind: 'outOfOrder', expectedSequence };
    return { kind: 'store' };
  }
}
