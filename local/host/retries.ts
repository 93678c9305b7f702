// Runs one trigger value until it succeeds or its retry policy ends. (Functions host contract, "Retry policies".)
import { type Clock, describeError, type Logger, type Random } from '../../shared/base/index.js';
import type { RetryContext } from './coreTypes.js';
import type { InvocationInput, InvocationResult } from './invocation.js';
import { mayRetry, type RetryPolicy, retryDelayMs } from './retryPolicy.js';
import type { HostServices, TriggerSource } from './triggerListener.js';

export interface RetryRunnerOptions {
  readonly functionName: string;
  readonly policy: RetryPolicy | undefined;
  readonly attempt: (bind: () => InvocationInput, retryContext?: RetryContext) => Promise<InvocationResult>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

export function retryRunner(source: TriggerSource, services: HostServices): RetryRunnerOptions {
  const { invoker, logger, clock, random } = services;
  return {
    functionName: source.name,
    policy: source.retryPolicy,
    attempt: (bind, retryContext) => invoker.invoke(source.registered, bind, retryContext),
    logger,
    clock,
    random,
  };
}

/**
 * Every attempt binds anew and has its own invocation id. Counts live in memory only.
 * @param signal ends the waiting and the loop; the last result is returned
 */
export async function invokeWithRetries(
  options: RetryRunnerOptions,
  bind: () => InvocationInput,
  signal: AbortSignal,
): Promise<InvocationResult> {
  const { functionName, policy, attempt, clock, random, logger } = options;
  if (policy === undefined) return attempt(bind);
  let failure: unknown;
  for (let retryCount = 0; ; retryCount++) {
    const result = await attempt(bind, retryContext(policy, retryCount, failure));
    if (result.kind === 'succeeded' || !mayRetry(policy, retryCount) || signal.aborted) return result;
    failure = result.error;
    const delayMs = retryDelayMs(policy, retryCount + 1, random.next());
    logger.log('warn', `[${functionName}] Retry ${retryCount + 1} in ${delayMs / 1000} s.`);
    await clock.sleep(delayMs, signal);
    if (signal.aborted) return result;
  }
}

/** There on the first attempt too, whenever a policy applies. */
function retryContext(policy: RetryPolicy, retryCount: number, failure: unknown): RetryContext {
  const context = { retryCount, maxRetryCount: policy.maxRetryCount };
  if (failure === undefined) return context;
  const stackTrace = failure instanceof Error ? (failure.stack ?? '') : '';
  return { ...context, exception: { source: '', stackTrace, message: describeError(failure) } };
}
