// One request to a webhook: signed, in time, without redirects, and with no more of the answer read than an error message needs.
import type { Clock } from '../base/index.js';
import { cloudEventContentType } from './cloudEvents.js';
import type { WebhookEvent } from './webhookEvents.js';
import { retryAfterMs, type WebhookAnswer } from './webhookPolicy.js';
import { signatureHeaders } from './webhookSignature.js';

export interface WebhookTarget {
  readonly name: string;
  readonly url: string;
  readonly secrets: string;
}

export type PostToWebhook = (target: WebhookTarget, event: WebhookEvent) => Promise<WebhookAnswer>;

const defaultTimeoutMs = 10_000;
const maxAnswerBytes = 1024;
const maxDetailLength = 200;

/** The function never rejects: whatever happens is an answer, or none. */
export function createWebhookClient(clock: Clock, timeoutMs = defaultTimeoutMs): PostToWebhook {
  return async (target, event) => {
    try {
      return await post(target, event, clock, timeoutMs);
    } catch (error) {
      return { kind: 'noAnswer', detail: problemOf(error, timeoutMs) };
    }
  };
}

async function post(
  { url, secrets }: WebhookTarget,
  { id, body }: WebhookEvent,
  clock: Clock,
  timeoutMs: number,
): Promise<WebhookAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      'content-type': cloudEventContentType,
      'user-agent': 'Tributary',
      ...signatureHeaders(secrets, { id, timestampMs: clock.nowMs(), body }),
    },
    body,
    signal: AbortSignal.timeout(timeoutMs),
  });
  const { status } = response;
  const text = await beginningOf(response);
  const detail = text === '' ? `status ${status}` : `status ${status}: ${text}`;
  const wantedPauseMs = retryAfterMs(response.headers.get('retry-after'), clock.nowMs());
  return { kind: 'answered', status, retryAfterMs: wantedPauseMs, detail };
}

/** One line; nothing when the answer breaks off, since its status is known by then. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  try {
    while (byteCount < maxAnswerBytes) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      byteCount += value.byteLength;
    }
    await reader.cancel();
  } catch {
    return '';
  }
  const text = Buffer.concat(chunks).subarray(0, maxAnswerBytes).toString('utf8');
  return text
    .replace(/[\s\p{Control}]+/gu, ' ')
    .trim()
    .slice(0, maxDetailLength);
}

/** Without the address, which may hold a token. */
function problemOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return 'unknown problem';
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return `no answer (${code})`;
}
