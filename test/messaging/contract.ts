// What every event sender must do (the contract written in shared/messaging/eventSender.ts), as a suite.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { TributaryError } from '../../shared/base/index.js';
import type { EventSender, OutgoingEvent } from '../../shared/messaging/index.js';

export interface SenderHarness {
  readonly sender: EventSender;
  /** All that the hub has taken, at least `count` events, of each key in order. */
  taken(count: number): Promise<readonly OutgoingEvent[]>;
}

export interface SenderContractOptions {
  readonly name: string;
  /** Before each test: a sender to an empty hub of its own. */
  readonly open: (t: TestContext) => Promise<SenderHarness> | SenderHarness;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function event(partitionKey: string, text: string, messageId = text.slice(0, 100)): OutgoingEvent {
  return { partitionKey, body: encoder.encode(text), contentType: 'text/plain', messageId };
}

function textsOf(events: readonly OutgoingEvent[], key: string): string[] {
  return events.filter(({ partitionKey }) => partitionKey === key).map(({ body }) => decoder.decode(body));
}

export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof TributaryError && error.code === code;
}

export function describeSenderContract({ name, open }: SenderContractOptions): void {
  describe(`an event sender: ${name}`, () => {
    it('sends bodies as they are, with their key, type and id', async (t) => {
      const { sender, taken } = await open(t);
      const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const sent = {
        partitionKey: 'Gerät 1',
        body: all.subarray(3, 250),
        contentType: 'a/b',
        messageId: 'id',
      };
      await sender.send([sent]);
      const [received, ...others] = await taken(1);
      assert.deepEqual(others, []);
      assert.deepEqual(received, sent);
    });

    it('sends nothing when given nothing', async (t) => {
      const { sender, taken } = await open(t);
      await sender.send([]);
      await sender.send([event('a', 'only')]);
      assert.equal((await taken(1)).length, 1);
    });

    it('keeps the order of each key, over batches and calls', async (t) => {
      const { sender, taken } = await open(t);
      const keys = ['a', 'b', 'c', 'd', 'e'];
      const padding = 'x'.repeat(20_000);
      const expected = (key: string) =>
        Array.from({ length: 80 }, (_, number) => `${key} ${number} ${padding}`);
      const half = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, index) =>
          keys.map((key) => event(key, `${key} ${from + index} ${padding}`)),
        ).flat();
      await sender.send(half(0, 60));
      await sender.send(half(60, 80));
      const received = await taken(400);
      assert.equal(received.length, 400);
      for (const key of keys) assert.deepEqual(textsOf(received, key), expected(key));
    });

    it('takes calls for different keys at once', async (t) => {
      const { sender, taken } = await open(t);
      const keys = Array.from({ length: 50 }, (_, number) => `device-${number}`);
      await Promise.all(
        keys.map((key) => sender.send([event(key, `${key} first`), event(key, `${key} second`)])),
      );
      const received = await taken(100);
      for (const key of keys) assert.deepEqual(textsOf(received, key), [`${key} first`, `${key} second`]);
    });

    it('refuses an event larger than the hub takes, naming it', async (t) => {
      const { sender, taken } = await open(t);
      await assert.rejects(sender.send([event('a', 'x'.repeat(1_100_000), 'the-large-one')]), (error) => {
        assert.ok(hasCode('INPUT_INVALID')(error));
        assert.match((error as Error).message, /the-large-one.* 1100000 bytes.*at most 1048576 bytes/);
        return true;
      });
      await sender.send([event('a', 'next')]);
      assert.deepEqual(textsOf(await taken(1), 'a'), ['next']);
    });

    it('refuses keys and ids that the service does not take, before it sends anything', async (t) => {
      const { sender, taken } = await open(t);
      for (const key of ['', 'x'.repeat(129), 'é'.repeat(65)]) {
        await assert.rejects(
          sender.send([event('fine', 'never sent'), event(key, 'odd')]),
          hasCode('INPUT_INVALID'),
        );
      }
      for (const id of ['', 'x'.repeat(129)]) {
        await assert.rejects(
          sender.send([event('a', 'never sent'), event('b', 'odd', id)]),
          hasCode('INPUT_INVALID'),
        );
      }
      await sender.send([event('x'.repeat(128), 'longest', 'y'.repeat(128))]);
      assert.equal((await taken(1)).length, 1);
    });

    it('rejects once closed, and may be closed twice', async (t) => {
      const { sender } = await open(t);
      await sender.send([event('a', 'one')]);
      await sender.close();
      await sender.close();
      await assert.rejects(sender.send([event('a', 'two')]), hasCode('PUBLISH_FAILED'));
    });
  });
}
