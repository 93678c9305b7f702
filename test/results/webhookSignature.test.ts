// Signatures of requests, by the Standard Webhooks specification, and how a receiver verifies them.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { signatureHeaders } from '../../shared/results/index.js';
import { verifyWebhook } from '../support/webhookReceiverExample.js';

const body = new TextEncoder().encode('{"test": 2432232314}');
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestampMs: 1_614_265_330_000, body };

describe('a signature', () => {
  it('is that of the example in the reference libraries of Standard Webhooks', () => {
    assert.deepEqual(signatureHeaders(secret, message), {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('takes a secret without prefix as it is', () => {
    const plain = 'a-secret-of-some-length';
    const expected = createHmac('sha256', plain)
      .update(`${message.id}.1614265330.`)
      .update(body)
      .digest('base64');
    assert.equal(signatureHeaders(plain, message)['webhook-signature'], `v1,${expected}`);
  });

  it('is made with each secret while a new one takes over', () => {
    const other = 'whsec_bmV3IHNlY3JldCBuZXcgc2VjcmV0';
    const both = signatureHeaders(`${other}  ${secret}\n`, message)['webhook-signature'];
    const alone = [other, secret].map((one) => signatureHeaders(one, message)['webhook-signature']);
    assert.equal(both, alone.join(' '));
  });
});

describe('the receiver in docs/subscribers.md', () => {
  const nowMs = message.timestampMs + 1_000;
  const headers = signatureHeaders(secret, message);

  it('takes what was signed with its secret, also beside another signature', () => {
    assert.ok(verifyWebhook(secret, headers, body, nowMs));
    const both = signatureHeaders(`whsec_bmV3IHNlY3JldCBuZXcgc2VjcmV0 ${secret}`, message);
    assert.ok(verifyWebhook(secret, both, body, nowMs));
  });

  it('refuses another body, id, time, secret or form, and what is old', () => {
    const changed = { ...headers, 'webhook-id': 'other' };
    assert.ok(!verifyWebhook(secret, headers, new TextEncoder().encode('{"test": 1}'), nowMs));
    assert.ok(!verifyWebhook(secret, changed, body, nowMs));
    assert.ok(!verifyWebhook(secret, { ...headers, 'webhook-timestamp': '1614265331' }, body, nowMs));
    assert.ok(!verifyWebhook('whsec_bmV3IHNlY3JldCBuZXcgc2VjcmV0', headers, body, nowMs));
    assert.ok(!verifyWebhook(secret, { ...headers, 'webhook-signature': 'v1,AAAA' }, body, nowMs));
    assert.ok(!verifyWebhook(secret, {}, body, nowMs));
    assert.ok(!verifyWebhook(secret, headers, body, nowMs + 300_000));
    assert.ok(!verifyWebhook(secret, headers, body, message.timestampMs - 300_001));
  });
});
