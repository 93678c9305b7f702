// Pure. Retry policies of a function: checked when the app is loaded, asked after each failure.
import { TributaryError } from '../../shared/base/index.js';
import type { RetryOptions } from './coreTypes.js';

export type RetryPolicy =
  | { readonly kind: 'fixedDelay'; readonly maxRetryCount: number; readonly delayMs: number }
  | {
      readonly kind: 'exponentialBackoff';
      readonly maxRetryCount: number;
      readonly minimumMs: number;
      readonly maximumMs: number;
    };

/** `maxRetryCount` of a policy that never gives up. */
export const retryForEver = -1;

/** @throws TributaryError CONFIG_INVALID naming the function and what is missing */
export function parseRetryPolicy(functionName: string, options: RetryOptions): RetryPolicy {
  const { maxRetryCount, retryStrategy } = options;
  if (maxRetryCount === undefined || !Number.isInteger(maxRetryCount) || maxRetryCount < retryForEver) {
    throw invalidPolicy(functionName, 'maxRetryCount must be a whole number from 0, or -1 for ever');
  }
  if (retryStrategy === 'fixedDelay') {
    if (options.delayInterval === undefined)
      throw invalidPolicy(functionName, 'fixedDelay needs delayInterval');
    return { kind: 'fixedDelay', maxRetryCount, delayMs: options.delayInterval.seconds * 1000 };
  }
  if (retryStrategy !== 'exponentialBackoff') {
    throw invalidPolicy(
      functionName,
      `strategy "${retryStrategy}" is neither fixedDelay nor exponentialBackoff`,
    );
  }
  const minimumMs = (options.minimumInterval?.seconds ?? Number.NaN) * 1000;
  const maximumMs = (options.maximumInterval?.seconds ?? Number.NaN) * 1000;
  if (!(minimumMs <= maximumMs)) {
    throw invalidPolicy(functionName, 'exponentialBackoff needs minimumInterval <= maximumInterval');
  }
  return { kind: 'exponentialBackoff', maxRetryCount, minimumMs, maximumMs };
}

export function mayRetry(policy: RetryPolicy, retryCount: number): boolean {
  return policy.maxRetryCount === retryForEver || retryCount < policy.maxRetryCount;
}

/**
 * @param retryNumber 1 for the first retry
 * @param random in [0, 1)
 */
export function retryDelayMs(policy: RetryPolicy, retryNumber: number, random: number): number {
  if (policy.kind === 'fixedDelay') return policy.delayMs;
  if (retryNumber === 1) return policy.minimumMs;
  // Past 2^30 every policy has reached its maximum.
  const growth = 2 ** Math.min(retryNumber - 2, 30);
  const jitter = 0.8 + random * 0.4;
  return Math.min(policy.maximumMs, Math.round(policy.minimumMs + jitter * growth * policy.minimumMs));
}

function invalidPolicy(functionName: string, what: string): TributaryError {
  return new TributaryError(
    'CONFIG_INVALID',
    `The retry policy of function "${functionName}" is wrong: ${what}.`,
  );
}
