// Runs several tasks against one store in an order drawn from a seed: every call waits for its turn, before it takes effect and
// before its answer arrives.
import type { Random } from '../../shared/base/index.js';
import type { ObjectStore } from '../../shared/storage/index.js';

export class Interleaving {
  readonly #waiting: (() => void)[] = [];
  turnCount = 0;

  constructor(private readonly random: Random) {}

  /** The store as one task sees it. */
  view(store: ObjectStore): ObjectStore {
    const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      await this.#turn();
      const result = await work();
      await this.#turn();
      return result;
    };
    const turn = () => this.#turn();
    return {
      read: (path, range) => inTurn(() => store.read(path, range)),
      head: (path) => inTurn(() => store.head(path)),
      putIfAbsent: (path, bytes) => inTurn(() => store.putIfAbsent(path, bytes)),
      put: (path, bytes) => inTurn(() => store.put(path, bytes)),
      async *list(prefix, options) {
        await turn();
        for await (const info of store.list(prefix, options)) yield info;
      },
      delete: (path) => inTurn(() => store.delete(path)),
    };
  }

  /** Runs until all tasks have ended; their errors are in the results. */
  async run<Result>(tasks: readonly (() => Promise<Result>)[]): Promise<PromiseSettledResult<Result>[]> {
    let isDone = false;
    const all = Promise.allSettled(tasks.map((task) => task())).finally(() => {
      isDone = true;
    });
    for (let idleRounds = 0; !isDone; ) {
      // After a turn of the event loop every task has run as far as it can without another turn.
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#waiting.splice(Math.floor(this.random.next() * this.#waiting.length), 1)[0];
      next?.();
      idleRounds = next === undefined ? idleRounds + 1 : 0;
      if (idleRounds > 1000) throw new Error('the tasks wait for something other than a turn');
    }
    return all;
  }

  #turn(): Promise<void> {
    this.turnCount++;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
