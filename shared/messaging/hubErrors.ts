// What an error of the Event Hubs client means for the caller.
import { type RetryHint, TributaryError } from '../base/index.js';

/** Client's code -> what a person must do. Everything else may pass by itself. */
const forOperators: Readonly<Record<string, string>> = {
  MessagingEntityNotFoundError: 'Create the event hub, or correct the name in pipeline.ts.',
  MessagingEntityDisabledError: 'Enable the event hub in its namespace.',
  UnauthorizedError:
    'Give the identity of the app the role Azure Event Hubs Data Sender, or check the connection string.',
  AuthenticationError: 'Sign in, or check the identity of the app.',
  CredentialUnavailableError: 'Sign in, or check the identity of the app.',
  AggregateAuthenticationError: 'Sign in, or check the identity of the app.',
};

export function publishFailed(hub: string, error: unknown): TributaryError {
  const last = lastAttempt(error);
  const code = codeOf(last);
  const advice = forOperators[code];
  const retry: RetryHint = advice === undefined ? 'transient' : 'operator';
  const reason = last instanceof Error ? last.message : String(last);
  const message = `Could not send to event hub "${hub}": ${reason} (${code}).${advice === undefined ? '' : ` ${advice}`}`;
  return new TributaryError('PUBLISH_FAILED', message, { cause: error, retry });
}

/** The client wraps the errors of several attempts into one. */
function lastAttempt(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return lastAttempt(error.errors.at(-1));
  return error;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
