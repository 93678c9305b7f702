// When a delivery is tried again, how long it waits, and how events are laid out for webhooks.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TributaryError } from '../../shared/base/index.js';
import type { EventBatch } from '../../shared/events/index.js';
import { secretProblem } from '../../shared/results/index.js';
import { webhookBatchOf } from '../../shared/results/webhookEvents.js';
import { pauseMs, retryAfterMs, verdictOf, type WebhookAnswer } from '../../shared/results/webhookPolicy.js';
import { webhookTargets } from '../../shared/results/webhookTargets.js';

function answered(status: number, retryAfter?: number): WebhookAnswer {
  return { kind: 'answered', status, retryAfterMs: retryAfter, detail: '' };
}

describe('an answer', () => {
  it('of 2xx means delivered; of 408, 425, 429 and 5xx, or none, try again; of any other, refused', () => {
    const verdicts = (statuses: readonly number[]) => [
      ...new Set(statuses.map((status) => verdictOf(answered(status)))),
    ];
    assert.deepEqual(verdicts([200, 201, 202, 204, 299]), ['delivered']);
    assert.deepEqual(verdicts([408, 425, 429, 500, 502, 503, 504, 599]), ['tryAgain']);
    assert.deepEqual(verdicts([301, 302, 307, 400, 401, 403, 404, 410, 413]), ['refused']);
    assert.equal(verdictOf({ kind: 'noAnswer', detail: '' }), 'tryAgain');
  });

  it('may ask for a longer pause, up to 30 seconds', () => {
    assert.equal(pauseMs(0, 0.5, answered(503)), 500);
    assert.equal(pauseMs(3, 0.5, answered(503)), 4_000);
    assert.equal(pauseMs(30, 0.5, answered(503)), 7_500);
    assert.equal(pauseMs(0, 0.5, answered(503, 10_000)), 10_000);
    assert.equal(pauseMs(0, 0.5, answered(503, 86_400_000)), 30_000);
    assert.equal(pauseMs(0, 0, { kind: 'noAnswer', detail: '' }), 0);
  });

  it('says how long in seconds or as a date', () => {
    const nowMs = Date.parse('2025-10-06T10:00:00Z');
    assert.equal(retryAfterMs('7', nowMs), 7_000);
    assert.equal(retryAfterMs('Mon, 06 Oct 2025 10:00:20 GMT', nowMs), 20_000);
    assert.equal(retryAfterMs('Mon, 06 Oct 2025 09:00:00 GMT', nowMs), 0);
    assert.equal(retryAfterMs('soon', nowMs), undefined);
    assert.equal(retryAfterMs(null, nowMs), undefined);
  });
});

describe('the events of a batch', () => {
  const batchOf = (texts: readonly (string | Uint8Array)[]): EventBatch => ({
    source: 'alerts',
    partition: '0',
    bodies: texts.map((text) => (typeof text === 'string' ? new TextEncoder().encode(text) : text)),
    sequenceNumbers: texts.map((_, index) => index),
    enqueuedMs: texts.map(() => 0),
    systemProperties: texts.map(() => ({})),
    properties: texts.map(() => ({})),
  });
  const alert = (id: string, subject?: string) => JSON.stringify({ specversion: '1.0', id, subject });

  it('are a lane for each device, in order, each id once', () => {
    const batch = batchOf([
      alert('1', 'a'),
      alert('2', 'b'),
      alert('3', 'a'),
      alert('1', 'a'),
      alert('4'),
      alert('5'),
    ]);
    const { lanes, invalid } = webhookBatchOf(batch);
    assert.deepEqual(
      lanes.map((lane) => lane.map(({ id, deviceId, position }) => `${deviceId}/${id}@${position}`)),
      [['a/1@0', 'a/3@2'], ['b/2@1'], ['/4@4', '/5@5']],
    );
    assert.deepEqual(invalid, []);
    assert.equal(lanes[0]?.[0]?.body, batch.bodies[0]);
  });

  it('are told from what is no CloudEvent', () => {
    const texts = [
      '',
      'text',
      'null',
      '[]',
      '{}',
      '{"specversion":"1.0"}',
      '{"specversion":"0.3","id":"1"}',
      '{"specversion":"1.0","id":""}',
      '{"specversion":"1.0","id":"a\\r\\nb"}',
      '{"specversion":"1.0","id":7}',
      Uint8Array.of(0x22, 0xff, 0x22),
    ];
    assert.deepEqual(webhookBatchOf(batchOf(texts)), { lanes: [], invalid: texts.map((_, index) => index) });
  });
});

describe('targets', () => {
  const secret = 'a-secret-of-some-length';
  const webhook = (url: string) => [{ name: 'pager', url, secretSetting: 'PagerSecret' }];

  it('have the secret of their setting', () => {
    assert.deepEqual(
      webhookTargets(webhook('https://example.com/'), { PagerSecret: secret }, secretProblem),
      [{ name: 'pager', url: 'https://example.com/', secrets: secret }],
    );
  });

  it('need a secret that is worth its name, which no message repeats', () => {
    for (const [value, problem] of [
      [undefined, /missing or empty/],
      ['  ', /missing or empty/],
      ['short-secret', /less than 16 bytes/],
      ['whsec_c2hvcnQ=', /less than 16 bytes/],
      [`${secret} short-secret`, /less than 16 bytes/],
    ] as const) {
      assert.throws(
        () => webhookTargets(webhook('https://example.com/'), { PagerSecret: value }, secretProblem),
        (error) => {
          assert.ok(error instanceof TributaryError && error.code === 'SETTING_MISSING');
          assert.match(error.message, problem);
          assert.match(error.message, /PagerSecret.*"pager"/);
          assert.ok(!error.message.includes('short-secret'));
          return true;
        },
      );
    }
  });

  it('are on this machine in development only', () => {
    const settings = { PagerSecret: secret };
    const local = webhook('http://localhost:8080/');
    assert.throws(
      () => webhookTargets(local, settings, secretProblem),
      (error) => error instanceof TributaryError && error.code === 'CONFIG_INVALID',
    );
    const development = { ...settings, AZURE_FUNCTIONS_ENVIRONMENT: 'Development' };
    assert.equal(webhookTargets(local, development, secretProblem).length, 1);
  });
});
