// The sender to Event Hubs against the emulator: the contract, and a hub that refuses, is missing, or cannot be reached.
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type EventHubsEmulator, startEventHubsEmulator } from '../../local/eventHubs/index.js';
import { TributaryError } from '../../shared/base/index.js';
import { createHubSender, type EventSender, type OutgoingEvent } from '../../shared/messaging/index.js';
import { describeSenderContract, event, hasCode } from '../messaging/contract.js';
import { impatientRetries, newConsumer, newHub, read, retryOptions } from '../support/eventHubClients.js';

describe('the sender to Event Hubs', () => {
  let emulator: EventHubsEmulator;
  before(async () => {
    emulator = await startEventHubsEmulator({ port: 0, hubs: [] });
  });
  after(() => emulator?.stop());

  function openSender(t: TestContext, eventHub: string, retries = retryOptions): EventSender {
    const settings = { Hubs: emulator.connectionString };
    const sender = createHubSender({ eventHub, connection: 'Hubs', settings, retryOptions: retries });
    t.after(() => sender.close());
    return sender;
  }

  async function taken(t: TestContext, hub: string, count: number): Promise<OutgoingEvent[]> {
    const { events } = await read(t, newConsumer(t, emulator.connectionString, hub), { count });
    return events.map(({ body, partitionKey, contentType, messageId }) => ({
      body: new Uint8Array(body as Buffer),
      partitionKey: partitionKey ?? '',
      contentType: contentType ?? '',
      messageId: String(messageId),
    }));
  }

  describeSenderContract({
    name: 'Event Hubs',
    open: (t) => {
      const hub = newHub(emulator);
      return { sender: openSender(t, hub), taken: (count) => taken(t, hub, count) };
    },
  });

  it('sends again what a busy hub refused', async (t) => {
    const hub = newHub(emulator);
    t.after(() => emulator.faults.clear());
    emulator.faults.refuseSends({ count: 2 });
    await openSender(t, hub).send([event('a', '1'), event('a', '2')]);
    assert.equal((await taken(t, hub, 2)).length, 2);
  });

  it('gives up on a hub that stays busy with an error worth another try, and works once it is not', async (t) => {
    const hub = newHub(emulator);
    const sender = openSender(t, hub);
    t.after(() => emulator.faults.clear());
    emulator.faults.refuseSends({ count: 1000 });
    await assert.rejects(sender.send([event('a', '1'), event('b', '1')]), (error) => {
      assert.ok(error instanceof TributaryError && error.code === 'PUBLISH_FAILED');
      assert.equal(error.retry, 'transient');
      return true;
    });
    emulator.faults.clear();
    await sender.send([event('a', '1'), event('b', '1')]);
    assert.equal((await taken(t, hub, 2)).length, 2);
  });

  it('connects again after the connection was lost', async (t) => {
    const hub = newHub(emulator);
    const sender = openSender(t, hub, impatientRetries);
    await sender.send([event('a', '1')]);
    emulator.faults.dropConnections();
    await sender.send([event('a', '2')]);
    assert.equal((await taken(t, hub, 2)).length, 2);
  });

  it('leaves a hub that does not exist to an operator', async (t) => {
    await assert.rejects(openSender(t, 'no-such-hub').send([event('a', '1')]), (error) => {
      assert.ok(error instanceof TributaryError && error.code === 'PUBLISH_FAILED');
      assert.equal(error.retry, 'operator');
      assert.match(error.message, /"no-such-hub".*Create the event hub/);
      return true;
    });
  });

  it('asks for the setting that is missing', () => {
    assert.throws(
      () => createHubSender({ eventHub: 'alerts', connection: 'Hubs', settings: { Hubs: '' } }),
      (error) => hasCode('SETTING_MISSING')(error) && /Hubs__fullyQualifiedNamespace/.test(String(error)),
    );
  });
});
