// Signatures of requests to webhooks, as the Standard Webhooks specification has them (https://www.standardwebhooks.com):
// receivers verify them with its libraries, or with a few lines of their own (docs/subscribers.md).
import { createHmac } from 'node:crypto';

export interface SignedMessage {
  readonly id: string;
  readonly timestampMs: number;
  readonly body: Uint8Array;
}

/**
 * The headers `webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature`: `v1,` and the Base64 of
 * HMAC-SHA256(secret, `<id>.<timestamp>.<body>`), for each secret, with a space between.
 * @param secrets one or more, with white space between: a new one beside the old one while receivers change over. One that
 *   begins with `whsec_` is Base64 of the key's bytes, as the specification has it; any other is the key itself, as UTF-8
 */
export function signatureHeaders(
  secrets: string,
  { id, timestampMs, body }: SignedMessage,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(timestampMs / 1000));
  const signatures = keysOf(secrets).map((key) => {
    const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body);
    return `v1,${hmac.digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

const standardPrefix = 'whsec_';

function keysOf(secrets: string): readonly Buffer[] {
  return secrets
    .split(/\s+/)
    .filter((secret) => secret !== '')
    .map((secret) =>
      secret.startsWith(standardPrefix)
        ? Buffer.from(secret.slice(standardPrefix.length), 'base64')
        : Buffer.from(secret),
    );
}

/** What is wrong with the setting, without repeating it; undefined when it can sign. */
export function secretProblem(secrets: string | undefined): string | undefined {
  const keys = keysOf(secrets ?? '');
  if (keys.length === 0) return 'is missing or empty';
  return keys.some((key) => key.byteLength < 16) ? 'has a secret of less than 16 bytes' : undefined;
}
