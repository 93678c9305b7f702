// Trying again after transient errors, a bounded number of times.
import { backoffMs, type Clock, type Random, retryHintOf } from '../base/index.js';

export interface RetryContext {
  readonly clock: Clock;
  readonly random: Random;
}

const backoff = { initialMs: 20, maximumMs: 2_000 };

/** @param attempt 0 before the first retry */
export function pauseBeforeRetry(attempt: number, { clock, random }: RetryContext): Promise<void> {
  return clock.sleep(backoffMs(attempt, random.next(), backoff));
}

export function isTransient(error: unknown): boolean {
  return retryHintOf(error) === 'transient';
}

/** Runs `operation`, which must be safe to repeat, up to `maxAttempts` times while its errors are transient. */
export async function retryTransient<Result>(
  operation: () => Promise<Result>,
  maxAttempts: number,
  context: RetryContext,
): Promise<Result> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (attempt + 1 >= maxAttempts || !isTransient(error)) throw error;
      await pauseBeforeRetry(attempt, context);
    }
  }
}
