// Pure. When a webhook's delivery is tried again, and what becomes of it otherwise.
import { type BackoffOptions, backoffMs } from '../base/index.js';

/** What came of one attempt. */
export type WebhookAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retryAfterMs: number | undefined;
      readonly detail: string;
    }
  /** Network, name, certificate, or no whole answer in time. */
  | { readonly kind: 'noAnswer'; readonly detail: string };

export type WebhookVerdict = 'delivered' | 'tryAgain' | 'refused';

/** Stable: people write queries against these. docs/subscribers.md explains each. */
export const undeliveredReasons = [
  /** The webhook answered that it will never take it: any 3xx or 4xx but 408, 425 and 429. */
  'refused',
  /** Every attempt failed. */
  'retries_exhausted',
  /** Other alerts of the batch took all the time that there is. */
  'out_of_time',
  /** The event is no CloudEvent in JSON; somebody else writes to the hub. */
  'invalid_event',
] as const;

export type UndeliveredReason = (typeof undeliveredReasons)[number];

export const maxAttempts = 5;
const pauses: BackoffOptions = { initialMs: 1_000, maximumMs: 15_000 };
const longestRetryAfterMs = 30_000;

/** Redirects are not followed: a signed request is for one address. */
export function verdictOf(answer: WebhookAnswer): WebhookVerdict {
  if (answer.kind === 'noAnswer') return 'tryAgain';
  const { status } = answer;
  if (status >= 200 && status < 300) return 'delivered';
  return status >= 500 || [408, 425, 429].includes(status) ? 'tryAgain' : 'refused';
}

/**
 * @param attempt 0 after the first one
 * @param random in [0, 1)
 */
export function pauseMs(attempt: number, random: number, answer: WebhookAnswer): number {
  const ownMs = backoffMs(attempt, random, pauses);
  const wantedMs = answer.kind === 'answered' ? (answer.retryAfterMs ?? 0) : 0;
  return Math.max(ownMs, Math.min(wantedMs, longestRetryAfterMs));
}

/** RFC 9110, 10.2.3: seconds, or a date. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
