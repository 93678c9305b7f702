// Waiting for what another process does. A wait ends as soon as its condition holds, so its limit only says when something hangs:
// it is long, for a machine that is busy with other things.

export const patienceMs = 300_000;
const shortestPauseMs = 10;
const longestPauseMs = 100;

/** Polls until `condition` holds. @throws Error with `describe()` when it does not in time */
export async function until(
  condition: () => boolean | Promise<boolean>,
  describe: () => string,
  timeoutMs = patienceMs,
  pauseMs = longestPauseMs,
): Promise<void> {
  await pollUntil(describe, condition, timeoutMs, pauseMs);
}

/** Polls until `probe` finds something. @throws Error with `what` when it does not in time */
export async function pollUntil<T>(
  what: string | (() => string),
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = patienceMs,
  mostPauseMs = longestPauseMs,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (let pauseMs = shortestPauseMs; ; pauseMs = Math.min(mostPauseMs, pauseMs * 1.2)) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadlineMs) {
      throw new Error(`Not within ${timeoutMs} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
