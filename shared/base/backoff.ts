// Pure. How long to wait before the next attempt.

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maximumMs: number;
}

/**
 * Full-jitter exponential backoff: uniform in [0, min(maximum, initial * 2^attempt)].
 * Jitter matters more than growth here: rivals for one commit that wait alike collide again.
 * @param attempt 0 for the first retry
 * @param random in [0, 1)
 */
export function backoffMs(attempt: number, random: number, options: BackoffOptions): number {
  const ceilingMs = Math.min(options.maximumMs, options.initialMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random * ceilingMs);
}
