// Cleanup in reverse: the runner's own `after` hooks run in the order they were registered, which would stop storage
// before the processes that use it.
export interface Cleanup {
  after(callback: () => unknown): void;
}

/** Callbacks given to the result run last first, when `t` ends; each one runs even when another fails. */
export function reverseCleanup(t: Cleanup): Cleanup {
  const callbacks: (() => unknown)[] = [];
  t.after(async () => {
    const errors: unknown[] = [];
    for (const callback of callbacks.reverse()) {
      try {
        await callback();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'Cleanup failed');
  });
  return { after: (callback) => callbacks.push(callback) };
}
