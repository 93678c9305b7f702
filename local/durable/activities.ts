// Runs activities: on disk before they run, and off it together with their result. A crash in between runs them again.
import type { FunctionOutcome } from './durableFunctions.js';
import { type Failure, type FailureDetails, failureFields, historyEvent } from './historyEvents.js';
import type { TurnRunnerOptions } from './orchestrations.js';

export class ActivityRunner {
  constructor(private readonly options: TurnRunnerOptions) {}

  async run(key: string): Promise<void> {
    const { store, functions, clock } = this.options;
    const activity = store.hub.activities.get(key);
    if (activity === undefined) return;
    const { instanceId, executionId, taskId, name, input } = activity;
    const outcome = await functions.run({ kind: 'activity', name, input, instanceId });
    const ids = { TaskScheduledId: taskId };
    const event =
      outcome.kind === 'returned'
        ? // The library cannot read a completion without a result.
          historyEvent('taskCompleted', clock.nowMs(), {
            ...ids,
            Result: JSON.stringify(outcome.value) ?? null,
          })
        : historyEvent('taskFailed', clock.nowMs(), { ...ids, ...failureFields(failureOf(name, outcome)) });
    await store.commit([
      { kind: 'activityEnded', key },
      { kind: 'eventSent', instanceId, executionId, event },
    ]);
  }
}

function failureOf(name: string, outcome: Exclude<FunctionOutcome, { kind: 'returned' }>): Failure {
  const error = outcome.kind === 'threw' ? outcome.error : new Error(outcome.message);
  const message = error instanceof Error ? error.message : String(error);
  const details = error instanceof Error ? (error.stack ?? '') : '';
  const failureDetails = failureDetailsOf(message);
  return {
    reason: `Activity function '${name}' failed: ${failureDetails?.ErrorMessage ?? message}`,
    details,
    ...(failureDetails === undefined ? {} : { failureDetails }),
  };
}

/** An app with an exception properties provider has its messages rewritten to JSON by the library. */
function failureDetailsOf(message: string): FailureDetails | undefined {
  if (!message.startsWith('{')) return undefined;
  try {
    const raw = JSON.parse(message) as Record<string, unknown>;
    if (typeof raw.errorType !== 'string' || typeof raw.errorMessage !== 'string') return undefined;
    return {
      ErrorType: raw.errorType,
      ErrorMessage: raw.errorMessage,
      StackTrace: typeof raw.stackTrace === 'string' ? raw.stackTrace : '',
      IsNonRetriable: false,
      Properties: raw.properties ?? null,
      InnerFailure: null,
    };
  } catch (error) {
    // An ordinary message that happens to begin like JSON.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
