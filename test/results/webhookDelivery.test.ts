// Delivery of a batch to webhooks that work, refuse, fail for a while, or are down.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Clock, seededRandom, silentLogger } from '../../shared/base/index.js';
import type { AppendRequest, TableView } from '../../shared/delta/index.js';
import type { EventBatch } from '../../shared/events/index.js';
import { type PostToWebhook, WebhookDelivery } from '../../shared/results/index.js';
import type { WebhookAnswer } from '../../shared/results/webhookPolicy.js';
import { InstantClock } from '../support/instantClock.js';
import { objectsOf, type RowObject } from '../support/rowObjects.js';

const emptyTable: TableView = {
  version: 0,
  metadata: {
    id: 'table',
    format: { provider: 'parquet', options: {} },
    schemaString: '{"type":"struct","fields":[]}',
    partitionColumns: [],
    configuration: {},
  },
  columns: [],
};

/** Commits to memory, as a table does. */
class FakeTable {
  readonly rows: RowObject[] = [];
  readonly #committed = new Map<string, number>();
  failNext: Error | undefined;

  async append(request: AppendRequest) {
    const failure = this.failNext;
    this.failNext = undefined;
    if (failure !== undefined) throw failure;
    const prepared = request.prepare(this.#committed, emptyTable);
    if (prepared === undefined) return { kind: 'alreadyCommitted', version: 0 } as const;
    for (const { appId, version } of prepared.transactions) this.#committed.set(appId, version);
    this.rows.push(...objectsOf(prepared.batch));
    return { kind: 'committed', version: 0, rowCount: prepared.batch.rowCount } as const;
  }

  short(): string[] {
    return this.rows
      .map((row) => `${row.webhook} ${row.alert_id} ${row.reason} ${row.attempts} ${row.detail}`)
      .sort();
  }
}

function batchOf(ids: readonly string[], first = 0, enqueuedMs = 1_000): EventBatch {
  return {
    source: 'alerts',
    partition: '2',
    // The device is the first letter of the id.
    bodies: ids.map((id) =>
      new TextEncoder().encode(
        id === 'broken' ? '{' : JSON.stringify({ specversion: '1.0', id, subject: id[0] }),
      ),
    ),
    sequenceNumbers: ids.map((_, index) => first + index),
    enqueuedMs: ids.map((_, index) => enqueuedMs + index),
    systemProperties: ids.map(() => ({})),
    properties: ids.map(() => ({})),
  };
}

const ok: WebhookAnswer = { kind: 'answered', status: 200, retryAfterMs: undefined, detail: 'status 200' };
const busy: WebhookAnswer = { kind: 'answered', status: 503, retryAfterMs: undefined, detail: 'status 503' };
const gone: WebhookAnswer = { kind: 'answered', status: 410, retryAfterMs: undefined, detail: 'status 410' };

interface Setup {
  readonly names?: readonly string[];
  readonly clock?: Clock;
  readonly answer?: (webhook: string, id: string, attempt: number) => WebhookAnswer;
}

function setUp({ names = ['pager'], clock = new InstantClock(0), answer = () => ok }: Setup = {}) {
  const table = new FakeTable();
  const posts: string[] = [];
  const attempts = new Map<string, number>();
  const post: PostToWebhook = async ({ name }, { id }) => {
    const key = `${name} ${id}`;
    attempts.set(key, (attempts.get(key) ?? 0) + 1);
    posts.push(key);
    await Promise.resolve();
    return answer(name, id, attempts.get(key)!);
  };
  const targets = names.map((name) => ({ name, url: 'https://example.com', secrets: 's' }));
  const delivery = new WebhookDelivery({
    ...{ targets, post, table, clock },
    random: seededRandom(5),
    logger: silentLogger,
  });
  return { delivery, table, posts };
}

describe('delivery to webhooks', () => {
  it('posts each alert to each webhook, and writes nothing when all were taken', async () => {
    const { delivery, table, posts } = setUp({ names: ['pager', 'chat'] });
    await delivery.deliver(batchOf(['a1', 'b1', 'a2']));
    assert.deepEqual([...posts].sort(), [
      'chat a1',
      'chat a2',
      'chat b1',
      'pager a1',
      'pager a2',
      'pager b1',
    ]);
    assert.deepEqual(table.rows, []);
  });

  it('keeps the order of each device through retries', async () => {
    const { delivery, table, posts } = setUp({
      answer: (_, id, attempt) => (id === 'a1' && attempt < 4 ? busy : ok),
    });
    await delivery.deliver(batchOf(['a1', 'b1', 'a2', 'b2', 'a3']));
    const ofDevice = (device: string) => posts.filter((post) => post.startsWith(`pager ${device}`));
    assert.deepEqual(ofDevice('a'), ['pager a1', 'pager a1', 'pager a1', 'pager a1', 'pager a2', 'pager a3']);
    assert.deepEqual(ofDevice('b'), ['pager b1', 'pager b2']);
    assert.ok(posts.indexOf('pager b2') < posts.indexOf('pager a2'), 'a device waited for another one');
    assert.deepEqual(table.rows, []);
  });

  it('does not repeat what was refused, writes it down, and goes on', async () => {
    const { delivery, table, posts } = setUp({ answer: (_, id) => (id === 'a1' ? gone : ok) });
    const batch = batchOf(['a1', 'a2'], 40);
    await delivery.deliver(batch);
    assert.deepEqual(posts, ['pager a1', 'pager a2']);
    assert.deepEqual(table.rows, [
      {
        failed_time: 0,
        webhook: 'pager',
        device_id: 'a',
        alert_id: 'a1',
        reason: 'refused',
        detail: 'status 410',
        attempts: 1,
        body: batch.bodies[0],
        _source: 'alerts',
        _partition: '2',
        _sequence_number: 40,
        _enqueued_time: 1_000_000,
      },
    ]);
  });

  it('gives up after five attempts, and after three such alerts tries each of the others once', async () => {
    const { delivery, table, posts } = setUp({
      answer: () => ({ kind: 'noAnswer', detail: 'no answer (ECONNREFUSED)' }),
    });
    await delivery.deliver(batchOf(['a1', 'a2', 'a3', 'a4', 'a5']));
    const failed = (id: string, attempts: number) =>
      `pager ${id} retries_exhausted ${attempts} no answer (ECONNREFUSED)`;
    assert.deepEqual(table.short(), [
      failed('a1', 5),
      failed('a2', 5),
      failed('a3', 5),
      failed('a4', 1),
      failed('a5', 1),
    ]);
    assert.equal(posts.length, 17);
  });

  it('begins with full patience again in the next batch', async () => {
    let isDown = true;
    const { delivery, table } = setUp({
      answer: (_, id, attempt) => (isDown || (id === 'b1' && attempt < 3) ? busy : ok),
    });
    await delivery.deliver(batchOf(['a1', 'a2', 'a3', 'a4']));
    isDown = false;
    await delivery.deliver(batchOf(['b1'], 4, 2_000));
    assert.equal(table.rows.length, 4);
  });

  it('does not let one webhook that is down hold up another', async () => {
    const { delivery, table, posts } = setUp({
      names: ['down', 'up'],
      answer: (name) => (name === 'down' ? busy : ok),
    });
    await delivery.deliver(batchOf(['a1', 'a2']));
    assert.deepEqual(
      posts.filter((post) => post.startsWith('up')),
      ['up a1', 'up a2'],
    );
    assert.ok(posts.indexOf('up a2') < posts.lastIndexOf('down a1'));
    assert.deepEqual(table.short(), [
      'down a1 retries_exhausted 5 status 503',
      'down a2 retries_exhausted 5 status 503',
    ]);
  });

  it('never takes longer than its time, whatever the webhook asks for', async () => {
    const clock = new InstantClock(0);
    const slow: WebhookAnswer = { ...busy, retryAfterMs: 3_600_000 };
    const { delivery, table, posts } = setUp({ clock, answer: () => slow });
    const ids = Array.from({ length: 30 }, (_, number) => `a${number}`);
    await delivery.deliver(batchOf(ids));
    assert.equal(clock.nowMs(), 180_000);
    assert.equal(table.rows.length, 30);
    assert.ok(posts.length < 30);
    assert.ok(table.short().includes('pager a29 out_of_time 0 not tried'));
  });

  it('writes down what is no CloudEvent, without a webhook', async () => {
    const { delivery, table, posts } = setUp();
    await delivery.deliver(batchOf(['a1', 'broken']));
    assert.deepEqual(posts, ['pager a1']);
    assert.deepEqual(table.short(), ['null null invalid_event 0 not a CloudEvent 1.0 in JSON']);
  });

  it('posts nothing twice when the table failed and the host hands the batch over again', async () => {
    const { delivery, table, posts } = setUp({ answer: (_, id) => (id === 'a2' ? gone : ok) });
    const batch = batchOf(['a1', 'a2', 'a3']);
    table.failNext = new Error('the table is out of reach');
    await assert.rejects(delivery.deliver(batch), /out of reach/);
    await delivery.deliver(batch);
    assert.deepEqual(posts, ['pager a1', 'pager a2', 'pager a3', 'pager a2']);
    assert.equal(table.rows.length, 1);
  });

  it('writes each alert down once when a batch comes again, cut elsewhere', async () => {
    const setup = { answer: () => gone };
    const { delivery, table } = setUp(setup);
    await delivery.deliver(batchOf(['a1', 'a2', 'a3'], 0, 1_000));
    await delivery.deliver(batchOf(['a2', 'a3', 'a4', 'a5'], 1, 1_001));
    assert.deepEqual(
      table.rows.map((row) => row.alert_id),
      ['a1', 'a2', 'a3', 'a4', 'a5'],
    );
  });

  it('writes alerts of a hub down that was made again and counts from 0', async () => {
    const { delivery, table } = setUp({ answer: () => gone });
    await delivery.deliver(batchOf(['a1', 'a2'], 500, 1_000));
    await delivery.deliver(batchOf(['b1', 'b2'], 0, 9_000));
    await delivery.deliver(batchOf(['b1', 'b2', 'b3'], 0, 9_000));
    assert.deepEqual(
      table.rows.map((row) => row.alert_id),
      ['a1', 'a2', 'b1', 'b2', 'b3'],
    );
  });

  it('has at most eight requests to a webhook under way', async () => {
    let underWay = 0;
    let most = 0;
    const clock = new InstantClock(0);
    const delivery = new WebhookDelivery({
      targets: [{ name: 'pager', url: 'https://example.com', secrets: 's' }],
      post: async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise(setImmediate);
        underWay -= 1;
        return ok;
      },
      table: new FakeTable(),
      clock,
      random: seededRandom(5),
      logger: silentLogger,
    });
    await delivery.deliver(
      batchOf(Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index))),
    );
    assert.equal(most, 8);
  });
});
