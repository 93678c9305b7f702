// Waiting for work that may never end, when a host stops.
import type { Clock } from '../../shared/base/index.js';

/** @returns true when `work` has settled, false when `limitMs` passed first. A failure of `work` goes to `onError`. */
export async function waitAtMost(
  work: Promise<unknown>,
  limitMs: number,
  clock: Clock,
  onError: (error: unknown) => void = () => {},
): Promise<boolean> {
  const settled = new AbortController();
  void work.catch(onError).finally(() => settled.abort());
  await clock.sleep(limitMs, settled.signal);
  return settled.signal.aborted;
}
