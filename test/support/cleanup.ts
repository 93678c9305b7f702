// Cleanup in reverse: the runner's own `after` hooks run in the order they were registered, which would stop storage
// before the processes that use it.
// The runner ends a process that takes too long with SIGTERM. Services are killed with their parent when it exits, which it would not
// do by itself.
process.once('SIGTERM', () => process.exit(143));

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
