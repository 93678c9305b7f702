// A table that several tasks change at the same time, in an order drawn from a seed.
import { type Random, seededRandom } from '../../shared/base/index.js';
import type { ObjectStore } from '../../shared/storage/index.js';
import { Interleaving } from './interleaving.js';

export class TableRace<Table extends { readonly store: ObjectStore }> {
  readonly #order: Interleaving;

  constructor(
    private readonly table: Table,
    private readonly seed: number,
  ) {
    this.#order = new Interleaving(seededRandom(seed));
  }

  /** The table as one task sees it, with chance of its own. */
  as(task: number): Omit<Table, 'random'> & { readonly store: ObjectStore; readonly random: Random } {
    return {
      ...this.table,
      store: this.#order.view(this.table.store),
      random: seededRandom(this.seed * 100 + task),
    };
  }

  /** Until all have ended; their errors are in the results. */
  settle<Result>(tasks: readonly (() => Promise<Result>)[]): Promise<PromiseSettledResult<Result>[]> {
    return this.#order.run(tasks);
  }

  /** @throws the error of the first task that failed, when all have ended */
  async run<Result>(tasks: readonly (() => Promise<Result>)[]): Promise<Result[]> {
    return (await this.settle(tasks)).map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }
}

/** How often what happened, over all seeds: proof that the orders differed. */
export class Outcomes {
  readonly #counts = new Map<string, number>();

  count(what: string): void {
    this.#counts.set(what, this.of(what) + 1);
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  toString(): string {
    return JSON.stringify([...this.#counts]);
  }
}
