// Pure. Timers by the time they are due: a binary heap, with removal by key.

export interface Due {
  readonly key: string;
  readonly dueMs: number;
}

export class DueList {
  readonly #heap: Due[] = [];
  /** The entry that counts for its key; others in the heap were removed or replaced. */
  readonly #current = new Map<string, Due>();

  add(due: Due): void {
    this.#current.set(due.key, due);
    this.#heap.push(due);
    this.#rise(this.#heap.length - 1);
  }

  remove(key: string): void {
    this.#current.delete(key);
  }

  get earliestMs(): number | undefined {
    this.#dropRemoved();
    return this.#heap[0]?.dueMs;
  }

  /** Takes out all that are due, earliest first. */
  takeDue(nowMs: number): string[] {
    const keys: string[] = [];
    for (
      this.#dropRemoved();
      (this.#heap[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= nowMs;
      this.#dropRemoved()
    ) {
      const { key } = this.#pop();
      this.#current.delete(key);
      keys.push(key);
    }
    return keys;
  }

  #dropRemoved(): void {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#current.get(top.key) === top) return;
      this.#pop();
    }
  }

  #pop(): Due {
    const top = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return top;
  }

  #rise(start: number): void {
    let index = start;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!this.#isEarlier(index, above)) return;
      this.#swap(index, above);
      index = above;
    }
  }

  #sink(start: number): void {
    let index = start;
    for (;;) {
      let earliest = index;
      for (const below of [2 * index + 1, 2 * index + 2]) {
        if (below < this.#heap.length && this.#isEarlier(below, earliest)) earliest = below;
      }
      if (earliest === index) return;
      this.#swap(index, earliest);
      index = earliest;
    }
  }

  #isEarlier(a: number, b: number): boolean {
    return this.#heap[a]!.dueMs < this.#heap[b]!.dueMs;
  }

  #swap(a: number, b: number): void {
    const held = this.#heap[a]!;
    this.#heap[a] = this.#heap[b]!;
    this.#heap[b] = held;
  }
}
