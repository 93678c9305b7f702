// The Event Hubs emulator as the unmodified @azure/event-hubs clients see it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  type EventData,
  EventHubBufferedProducerClient,
  EventHubConsumerClient,
  type ReceivedEventData,
} from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { type Azurite, startAzurite } from '../../local/azurite/index.js';
import { type EventHubsEmulator, startEventHubsEmulator } from '../../local/eventHubs/index.js';
import type { Cleanup } from '../support/cleanup.js';
import {
  bodiesOf,
  checkpointedEvents,
  impatientRetries,
  newConsumer,
  newHub,
  newProducer,
  read,
  retryOptions,
  type Watched,
  watch,
} from '../support/eventHubClients.js';
import { until } from '../support/waiting.js';

const folder = mkdtempSync(join(tmpdir(), 'tributary-emulator-'));
let emulator: EventHubsEmulator;
let connectionString: string;

before(async () => {
  emulator = await startEventHubsEmulator({ port: 0, dataFolder: join(folder, 'hubs'), hubs: [] });
  connectionString = emulator.connectionString;
});
after(async () => {
  await emulator.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The client's own type of a message with all its sections, which it does not export by name. */
type AmqpAnnotatedMessage = ReturnType<ReceivedEventData['getRawAmqpMessage']>;

const keys = Array.from({ length: 40 }, (_, index) => `device-${index}`);
/** Computed by the service's algorithm, see the unit tests. */
const partitionOfDevice0 = '2';

function bufferedProducer(
  t: Cleanup,
  hub: string,
  options: { readonly enableIdempotentRetries?: boolean; readonly retryOptions?: typeof retryOptions } = {},
): { producer: EventHubBufferedProducerClient; errors: unknown[] } {
  const errors: unknown[] = [];
  const producer = new EventHubBufferedProducerClient(connectionString, hub, {
    retryOptions,
    maxWaitTimeInMs: 20,
    onSendEventsErrorHandler: async ({ error }) => {
      errors.push(error);
    },
    ...options,
  });
  t.after(() => producer.close({ flush: false }));
  return { producer, errors };
}

describe('sending', () => {
  it('spreads batches without a key over the partitions in turn, each batch whole', async (t) => {
    const hub = newHub(emulator);
    const producer = newProducer(t, connectionString, hub);
    for (let batch = 0; batch < 8; batch++) await producer.sendBatch([{ body: batch }, { body: batch }]);
    const { events, partitionIds } = await read(t, newConsumer(t, connectionString, hub), { count: 16 });
    const placeOf = new Map(events.map((event, index) => [event.body, partitionIds[index]]));
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((batch) => placeOf.get(batch)),
      ['0', '1', '2', '3', '0', '1', '2', '3'],
    );
    assert.equal(events.filter((event, index) => placeOf.get(event.body) === partitionIds[index]).length, 16);
  });

  it('puts a key into one partition, whether the hub or the buffered producer computes it', async (t) => {
    const hub = newHub(emulator);
    const producer = newProducer(t, connectionString, hub);
    const { producer: buffered, errors } = bufferedProducer(t, hub);
    for (const key of keys) {
      await producer.sendBatch([{ body: key }], { partitionKey: key });
      await buffered.enqueueEvent({ body: key }, { partitionKey: key });
    }
    await buffered.flush();
    const { events, partitionIds } = await read(t, newConsumer(t, connectionString, hub), {
      count: keys.length * 2,
    });
    const partitionsOf = (key: string) => partitionIds.filter((_, index) => events[index]?.body === key);
    for (const key of keys) assert.equal(new Set(partitionsOf(key)).size, 1, `${key}: ${partitionsOf(key)}`);
    assert.deepEqual(partitionsOf('device-0'), [partitionOfDevice0, partitionOfDevice0]);
    assert.equal(new Set(partitionIds).size, 4);
    // The buffered producer does not send the key itself.
    assert.equal(events.filter((event) => event.partitionKey === event.body).length, keys.length);
    assert.deepEqual(errors, []);
  });

  it('to a partition goes there', async (t) => {
    const hub = newHub(emulator);
    await newProducer(t, connectionString, hub).sendBatch([{ body: 'x' }], { partitionId: '3' });
    const { partitionIds } = await read(t, newConsumer(t, connectionString, hub), { count: 1 });
    assert.deepEqual(partitionIds, ['3']);
  });

  it('tells clients the size limit, and refuses what is larger', async (t) => {
    const hub = newHub(emulator);
    const producer = newProducer(t, connectionString, hub);
    const batch = await producer.createBatch();
    assert.equal(batch.maxSizeInBytes, 1_048_576);
    const body = Buffer.alloc(100_000);
    let added = 0;
    while (batch.tryAdd({ body })) added++;
    assert.equal(added, 10);
    await producer.sendBatch(batch);
    await assert.rejects(producer.sendBatch([{ body: Buffer.alloc(1_048_577) }]), {
      code: 'MessageTooLargeError',
    });
    const { events } = await read(t, newConsumer(t, connectionString, hub), { count: 10 });
    assert.ok(events.every((event) => body.equals(event.body)));
  });

  it('refuses a partition key of more than 128 characters', async (t) => {
    const producer = newProducer(t, connectionString, newHub(emulator));
    await producer.sendBatch([{ body: 1 }], { partitionKey: 'k'.repeat(128) });
    await assert.rejects(producer.sendBatch([{ body: 1 }], { partitionKey: 'k'.repeat(129) }), {
      code: 'ArgumentError',
    });
  });

  it('is retried by the client while the hub is busy, and stored once', async (t) => {
    const hub = newHub(emulator);
    const producer = newProducer(t, connectionString, hub);
    emulator.faults.refuseSends({ count: 2 });
    await producer.sendBatch([{ body: 'x' }], { partitionId: '0' });
    assert.equal((await producer.getPartitionProperties('0')).lastEnqueuedSequenceNumber, 0);
    const error = { condition: 'com.microsoft:entity-disabled', description: 'The hub is disabled.' };
    emulator.faults.refuseSends({ count: 1, error });
    await assert.rejects(producer.sendBatch([{ body: 'x' }]), { code: 'MessagingEntityDisabledError' });
  });

  it('is stored twice by a client that is not idempotent when the acknowledgement is lost', async (t) => {
    const hub = newHub(emulator);
    const producer = newProducer(t, connectionString, hub, impatientRetries);
    emulator.faults.loseAcknowledgements({ count: 1 });
    await producer.sendBatch([{ body: 'x' }], { partitionId: '0' });
    assert.equal((await producer.getPartitionProperties('0')).lastEnqueuedSequenceNumber, 1);
  });

  it('waits for a delayed acknowledgement', async (t) => {
    const producer = newProducer(t, connectionString, newHub(emulator));
    await producer.sendBatch([{ body: 'the link is open' }]);
    emulator.faults.delaySends({ count: 1, delayMs: 300 });
    const startMs = performance.now();
    await producer.sendBatch([{ body: 'x' }]);
    // Node's timers may fire a millisecond early.
    assert.ok(performance.now() - startMs >= 290);
  });

  it('with idempotent retries stores nothing twice, over lost acknowledgements and dropped connections', async (t) => {
    const hub = newHub(emulator);
    const { producer, errors } = bufferedProducer(t, hub, {
      enableIdempotentRetries: true,
      retryOptions: { ...impatientRetries, timeoutInMs: 2_000 },
    });
    const bodies = Array.from({ length: 300 }, (_, index) => index);
    for (const body of bodies) {
      if (body === 100 || body === 250) emulator.faults.loseAcknowledgements({ count: 1 });
      if (body === 200) emulator.faults.dropConnections();
      await producer.enqueueEvent({ body });
      if (body % 50 === 49) await producer.flush();
    }
    await producer.flush();
    assert.deepEqual(errors, []);
    const { events } = await read(t, newConsumer(t, connectionString, hub), { count: bodies.length });
    assert.deepEqual(
      events.map((event): number => event.body).sort((left, right) => left - right),
      bodies,
    );
    const { systemProperties = {} } = events[0] ?? {};
    assert.deepEqual(
      Object.keys(systemProperties).filter((name) => name.includes('producer')),
      [],
    );
    const admin = newProducer(t, connectionString, hub);
    const ends = await Promise.all(['0', '1', '2', '3'].map((id) => admin.getPartitionProperties(id)));
    const stored = ends.reduce((sum, end) => sum + end.lastEnqueuedSequenceNumber + 1, 0);
    assert.equal(stored, bodies.length, 'also nothing behind what was read');
  });
});

describe('an event', () => {
  type Sendable = EventData | AmqpAnnotatedMessage;

  async function roundTrip(t: Cleanup, sent: readonly Sendable[]) {
    const hub = newHub(emulator, { partitionCount: 1 });
    await newProducer(t, connectionString, hub).sendBatch([...sent]);
    return (await read(t, newConsumer(t, connectionString, hub), { count: sent.length })).events;
  }

  it('comes with its number, offset, time, key and properties', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    const startMs = Date.now();
    const sent = {
      body: 'a',
      contentType: 'text/plain',
      correlationId: 'c',
      messageId: 'm',
      properties: { p: 1 },
    };
    await newProducer(t, connectionString, hub).sendBatch([sent, { body: 'b' }], { partitionKey: 'k' });
    const { events } = await read(t, newConsumer(t, connectionString, hub), { count: 2 });
    const [first, second] = events;
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual([first.sequenceNumber, second.sequenceNumber], [0, 1]);
    assert.equal(typeof first.offset, 'string');
    assert.ok(Number(second.offset) > Number(first.offset));
    const enqueuedMs = first.enqueuedTimeUtc.getTime();
    assert.ok(enqueuedMs >= startMs && enqueuedMs <= Date.now());
    assert.equal(first.partitionKey, 'k');
    assert.deepEqual(first.properties, { p: 1 });
    assert.deepEqual([first.contentType, first.correlationId, first.messageId], ['text/plain', 'c', 'm']);
  });

  it('keeps its body, whatever it is', async (t) => {
    const sent = [
      { body: 'text' },
      { body: { a: [1, 2.5, null] } },
      { body: Buffer.from([0, 255]) },
      { body: null },
      { body: 12.5 },
    ];
    const received = await roundTrip(t, sent);
    assert.deepEqual(
      received.map((event) => event.body),
      sent.map((event) => event.body),
    );
  });

  it('keeps the AMQP form of its body: data, value, sequence', async (t) => {
    const sent: AmqpAnnotatedMessage[] = [
      { body: { v: 1 }, bodyType: 'value' },
      { body: [[1, 'two'], ['three']], bodyType: 'sequence' },
      { body: 'd', bodyType: 'data', footer: { f: 'x' }, header: { timeToLive: 5_000 } },
    ];
    const received = await roundTrip(t, sent);
    assert.deepEqual(
      received.map((event) => [event.getRawAmqpMessage().bodyType, event.body]),
      sent.map((message) => [message.bodyType, message.body]),
    );
    const last = received[2]?.getRawAmqpMessage();
    assert.deepEqual(last?.footer, { f: 'x' });
    assert.equal(last?.header?.timeToLive, 5_000);
  });

  it('that is sent on after it was received gets annotations of its new place only', async (t) => {
    const [received] = await roundTrip(t, [{ body: 'padding' }, { body: 'x' }]).then((events) =>
      events.slice(1),
    );
    assert.ok(received !== undefined);
    const [again] = await roundTrip(t, [received]);
    assert.equal(again?.sequenceNumber, 0);
    assert.notEqual(again?.offset, received.offset);
  });
});

describe('reading', () => {
  it('starts at every position, inclusive or exclusive', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    const producer = newProducer(t, connectionString, hub);
    await producer.sendBatch([{ body: 0 }, { body: 1 }, { body: 2 }]);
    const consumer = newConsumer(t, connectionString, hub);
    const [, second, third] = (await read(t, consumer, { count: 3 })).events;
    assert.ok(second !== undefined && third !== undefined);
    const betweenMs = third.enqueuedTimeUtc.getTime();
    await until(
      () => Date.now() > betweenMs,
      () => 'the clock stands still',
    );
    await producer.sendBatch([{ body: 3 }]);
    const { offset, sequenceNumber } = second;
    for (const [startPosition, bodies] of [
      [{ offset: '-1' }, [0, 1, 2, 3]],
      [{ offset }, [2, 3]],
      [{ offset, isInclusive: true }, [1, 2, 3]],
      [{ sequenceNumber }, [2, 3]],
      [{ sequenceNumber, isInclusive: true }, [1, 2, 3]],
      [{ enqueuedOn: betweenMs }, [3]],
      [{ enqueuedOn: new Date(betweenMs - 60_000) }, [0, 1, 2, 3]],
    ] as const) {
      const seen = await read(t, consumer, { count: bodies.length, startPosition });
      assert.deepEqual(bodiesOf(seen), bodies, JSON.stringify(startPosition));
    }
  });

  it('from latest gets only what arrives afterwards', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    const producer = newProducer(t, connectionString, hub);
    await producer.sendBatch([{ body: 'before' }]);
    const watched = watch(t, newConsumer(t, connectionString, hub), { startPosition: { offset: '@latest' } });
    // When the link is attached cannot be seen from outside, so events are sent until one arrives.
    await until(
      async () => {
        await producer.sendBatch([{ body: 'after' }]);
        return watched.events.length > 0;
      },
      () => 'no event arrived',
    );
    assert.deepEqual([...new Set(bodiesOf(watched))], ['after']);
  });

  it('from an offset or a number past the end is refused, not silently skipped', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    await newProducer(t, connectionString, hub).sendBatch([{ body: 'x' }]);
    const consumer = newConsumer(t, connectionString, hub);
    for (const startPosition of [{ offset: '1000000' }, { sequenceNumber: 1 }]) {
      const watched = watch(t, consumer, { startPosition });
      await until(
        () => watched.errorCodes.length > 0,
        () => JSON.stringify(startPosition),
      );
      assert.equal(watched.errorCodes[0], 'ArgumentError');
      assert.deepEqual(watched.events, []);
      await watched.close();
    }
  });

  it('tells the state of the partition to who tracks it', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    await newProducer(t, connectionString, hub).sendBatch([{ body: 0 }, { body: 1 }, { body: 2 }]);
    const consumer = newConsumer(t, connectionString, hub);
    const seen = new Promise<unknown>((resolve, reject) => {
      const subscription = consumer.subscribe(
        {
          processEvents: async (_, context) => resolve(context.lastEnqueuedEventProperties),
          processError: async (error) => reject(error),
        },
        { startPosition: { offset: '-1' }, maxBatchSize: 3, trackLastEnqueuedEventProperties: true },
      );
      t.after(() => subscription.close());
    });
    const end = await newProducer(t, connectionString, hub).getPartitionProperties('0');
    const { sequenceNumber, offset, enqueuedOn, retrievedOn } = (await seen) as Record<string, unknown>;
    assert.deepEqual(
      [sequenceNumber, offset, enqueuedOn],
      [2, end.lastEnqueuedOffset, end.lastEnqueuedOnUtc],
    );
    assert.ok(retrievedOn instanceof Date);
  });

  it('goes on without loss or repetition when the connection drops or links are detached', async (t) => {
    const hub = newHub(emulator, { partitionCount: 2 });
    const producer = newProducer(t, connectionString, hub, impatientRetries);
    const watched = watch(t, newConsumer(t, connectionString, hub, { retries: impatientRetries }));
    const faults = [() => emulator.faults.dropConnections(), () => emulator.faults.detachReceivers()];
    for (let round = 0; round < 4; round++) {
      await producer.sendBatch([{ body: round * 2 }, { body: round * 2 + 1 }], { partitionId: '1' });
      await until(
        () => watched.events.length >= round * 2 + 2,
        () => `${watched.events.length} events in round ${round}`,
      );
      assert.ok((faults[round % 2]?.() ?? 0) > 0);
    }
    assert.deepEqual(bodiesOf(watched), [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('gets thousands of events in order, and others in other groups at the same time', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1, consumerGroups: ['lake'] });
    const producer = newProducer(t, connectionString, hub);
    const bodies = Array.from({ length: 10_000 }, (_, index) => index);
    for (let at = 0; at < bodies.length; at += 500) {
      await producer.sendBatch(
        bodies.slice(at, at + 500).map((body) => ({ body, properties: { pad: 'x'.repeat(200) } })),
      );
    }
    // More than an AMQP session's window of 2,048 deliveries, and more than one socket buffer.
    const watched = ['$Default', 'LAKE'].map((group) =>
      watch(t, newConsumer(t, connectionString, hub, { consumerGroup: group }), { maxBatchSize: 3_000 }),
    );
    await until(
      () => watched.every(({ events }) => events.length >= bodies.length),
      () => watched.map(({ events }) => events.length).join(),
    );
    for (const one of watched) assert.deepEqual(bodiesOf(one), bodies);
  });
});

describe('properties', () => {
  it('of a hub and its partitions', async (t) => {
    const startMs = Date.now();
    const hub = newHub(emulator, { partitionCount: 3 });
    const createdByMs = Date.now();
    const producer = newProducer(t, connectionString, hub);
    const properties = await producer.getEventHubProperties();
    assert.equal(properties.name, hub);
    assert.deepEqual(properties.partitionIds, ['0', '1', '2']);
    assert.equal(properties.isGeoDrEnabled, false);
    const createdMs = properties.createdOn.getTime();
    assert.ok(createdMs >= startMs && createdMs <= createdByMs, `${createdMs}`);
    assert.deepEqual(await producer.getPartitionProperties('2'), {
      beginningSequenceNumber: 0,
      eventHubName: hub,
      lastEnqueuedOffset: '-1',
      lastEnqueuedOnUtc: new Date(0),
      lastEnqueuedSequenceNumber: -1,
      partitionId: '2',
      isEmpty: true,
    });
    await producer.sendBatch([{ body: 0 }, { body: 1 }], { partitionId: '2' });
    const filled = await producer.getPartitionProperties('2');
    assert.deepEqual([filled.lastEnqueuedSequenceNumber, filled.isEmpty], [1, false]);
    assert.ok(filled.lastEnqueuedOnUtc.getTime() >= startMs);
  });
});

describe('what does not exist', () => {
  const notFound = { code: 'MessagingEntityNotFoundError' };

  async function firstError(watched: Watched): Promise<string | undefined> {
    await until(
      () => watched.errorCodes.length > 0,
      () => 'no error was reported',
    );
    await watched.close();
    return watched.errorCodes[0];
  }

  it('is reported to producers: hub, partition', async (t) => {
    const lost = newProducer(t, connectionString, 'nowhere');
    await assert.rejects(lost.sendBatch([{ body: 1 }]), notFound);
    await assert.rejects(lost.getEventHubProperties(), notFound);
    await assert.rejects(lost.getPartitionProperties('0'), notFound);
    const producer = newProducer(t, connectionString, newHub(emulator, { partitionCount: 2 }));
    for (const partitionId of ['2', '-1', 'x']) {
      await assert.rejects(producer.sendBatch([{ body: 1 }], { partitionId }), {
        code: 'ArgumentOutOfRangeError',
      });
      await assert.rejects(producer.getPartitionProperties(partitionId), { code: 'ArgumentOutOfRangeError' });
    }
  });

  it('is reported to consumers: hub, consumer group, partition', async (t) => {
    const hub = newHub(emulator);
    const lostHub = watch(t, newConsumer(t, connectionString, 'nowhere'), { partitionId: '0' });
    assert.equal(await firstError(lostHub), notFound.code);
    const lostGroup = watch(t, newConsumer(t, connectionString, hub, { consumerGroup: 'nobody' }), {
      partitionId: '0',
    });
    assert.equal(await firstError(lostGroup), notFound.code);
    const lostPartition = watch(t, newConsumer(t, connectionString, hub), { partitionId: '4' });
    assert.equal(await firstError(lostPartition), 'ArgumentOutOfRangeError');
  });

  it('is what a deleted hub becomes, and a new one of the name begins at 0', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    const producer = newProducer(t, connectionString, hub);
    await producer.sendBatch([{ body: 'old' }]);
    const watched = watch(t, newConsumer(t, connectionString, hub));
    await until(
      () => watched.events.length === 1,
      () => 'the event was not read',
    );
    const { createdOn } = await producer.getEventHubProperties();
    emulator.deleteHub(hub);
    assert.equal(await firstError(watched), notFound.code);
    await assert.rejects(producer.sendBatch([{ body: 'lost' }]), notFound);
    newHub(emulator, { name: hub, partitionCount: 1 });
    await producer.sendBatch([{ body: 'new' }]);
    const { events } = await read(t, newConsumer(t, connectionString, hub), { count: 1 });
    assert.deepEqual([events[0]?.body, events[0]?.sequenceNumber], ['new', 0]);
    assert.ok((await producer.getEventHubProperties()).createdOn > createdOn);
  });
});

describe('a peer that does not speak AMQP', () => {
  it('is disconnected, and others do not notice', async (t) => {
    const hub = newHub(emulator);
    const producer = newProducer(t, connectionString, hub);
    await producer.sendBatch([{ body: 'before' }]);
    const amqpHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0]);
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      Buffer.concat([amqpHeader, Buffer.from([0, 0, 0, 20, 2, 0, 0, 0, ...Buffer.alloc(12, 0xff)])]),
    ]) {
      const socket = connect(emulator.port, '127.0.0.1');
      t.after(() => socket.destroy());
      socket.on('error', () => {}); // a reset is a disconnection as well
      socket.resume();
      socket.write(bytes);
      await new Promise((resolve) => socket.once('close', resolve));
    }
    await producer.sendBatch([{ body: 'after' }]);
  });
});

describe('owner levels', () => {
  /** A reader of a hub's only partition, once it has read the only event. */
  async function reader(t: Cleanup, hub: string, ownerLevel?: number): Promise<Watched> {
    const watched = attempt(t, hub, ownerLevel);
    await until(
      () => watched.events.length > 0,
      () => `not reading: ${watched.errorCodes}`,
    );
    return watched;
  }

  function attempt(t: Cleanup, hub: string, ownerLevel?: number): Watched {
    const consumer = newConsumer(t, connectionString, hub);
    return watch(t, consumer, { partitionId: '0', ...(ownerLevel === undefined ? {} : { ownerLevel }) });
  }

  async function hubWithEvent(t: Cleanup): Promise<string> {
    const hub = newHub(emulator, { partitionCount: 1 });
    await newProducer(t, connectionString, hub).sendBatch([{ body: 'x' }]);
    return hub;
  }

  async function lostItsPartition(watched: Watched): Promise<void> {
    await until(
      () => watched.closeReasons.length > 0,
      () => 'the reader still has the partition',
    );
    assert.deepEqual(
      [watched.errorCodes, watched.closeReasons],
      [['ReceiverDisconnectedError'], ['OwnershipLost']],
    );
  }

  it('let a reader with one displace those without', async (t) => {
    const hub = await hubWithEvent(t);
    const shared = [await reader(t, hub), await reader(t, hub)];
    await reader(t, hub, 1);
    for (const one of shared) await lostItsPartition(one);
  });

  it('let a higher or the same level take over, and refuse a lower one', async (t) => {
    const hub = await hubWithEvent(t);
    const first = await reader(t, hub, 5);
    const second = await reader(t, hub, 5);
    await lostItsPartition(first);
    const third = await reader(t, hub, 6);
    await lostItsPartition(second);
    const refused = attempt(t, hub, 5);
    await lostItsPartition(refused);
    assert.deepEqual(refused.events, []);
    assert.deepEqual(third.closeReasons, []);
  });

  it('refuse readers without one beside an owner', async (t) => {
    const hub = await hubWithEvent(t);
    const owner = await reader(t, hub, 1);
    const refused = attempt(t, hub);
    await lostItsPartition(refused);
    assert.deepEqual(refused.events, []);
    assert.deepEqual(owner.closeReasons, []);
    await owner.close();
    await reader(t, hub);
  });

  it('allow five readers without one', async (t) => {
    const hub = await hubWithEvent(t);
    const readers = [];
    while (readers.length < 5) readers.push(await reader(t, hub));
    const refused = attempt(t, hub);
    await until(
      () => refused.errorCodes.length > 0,
      () => 'the sixth reader was let in',
    );
    assert.equal(refused.errorCodes[0], 'QuotaExceededError');
    assert.deepEqual(
      readers.flatMap((one) => one.errorCodes),
      [],
    );
  });
});

describe('consumers with a blob checkpoint store', () => {
  let azurite: Azurite;
  before(async () => {
    azurite = await startAzurite({
      folder: join(folder, 'azurite'),
      blobPort: 0,
      queuePort: 0,
      tablePort: 0,
    });
  });
  after(() => azurite.stop());

  async function checkpoints(name: string): Promise<ContainerClient> {
    const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
      name,
    );
    await container.createIfNotExists();
    return container;
  }

  function balanced(t: Cleanup, hub: string, container: ContainerClient): Watched {
    const consumer = new EventHubConsumerClient(
      '$Default',
      connectionString,
      hub,
      new BlobCheckpointStore(container),
      {
        retryOptions,
        loadBalancingOptions: { strategy: 'greedy', updateIntervalInMs: 200 },
      },
    );
    t.after(() => consumer.close());
    return watch(t, consumer, { checkpoint: true });
  }

  it('share the partitions, and resume behind what was checkpointed', async (t) => {
    const hub = newHub(emulator);
    const container = await checkpoints('balance');
    const first = balanced(t, hub, container);
    await until(
      () => first.claimed.size === 4,
      () => `the first consumer reads ${[...first.claimed]}`,
    );
    const second = balanced(t, hub, container);
    await until(
      () => first.claimed.size === 2 && second.claimed.size === 2,
      () => `they read ${[...first.claimed]} and ${[...second.claimed]}`,
    );
    const producer = newProducer(t, connectionString, hub);
    for (const key of keys) await producer.sendBatch([{ body: key }], { partitionKey: key });
    await until(
      () => first.events.length + second.events.length >= keys.length,
      () => `${first.events.length} and ${second.events.length} events`,
    );
    assert.deepEqual([...bodiesOf(first), ...bodiesOf(second)].sort(), [...keys].sort());
    assert.ok(first.events.length > 0 && second.events.length > 0);
    // The consumers write checkpoints behind the events they saw; closing does not wait for that.
    await until(
      async () => (await checkpointedEvents(container)) === keys.length,
      () => 'not all events are checkpointed',
    );
    await Promise.all([first.close(), second.close()]);

    for (const key of keys) await producer.sendBatch([{ body: `${key} later` }], { partitionKey: key });
    const third = balanced(t, hub, container);
    await until(
      () => third.events.length >= keys.length,
      () => `${third.events.length} events`,
    );
    assert.deepEqual(bodiesOf(third).sort(), keys.map((key) => `${key} later`).sort());
  });

  it('are told when the hub was wiped behind their checkpoints', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    const container = await checkpoints('wiped');
    const producer = newProducer(t, connectionString, hub);
    await producer.sendBatch([{ body: 'a' }, { body: 'b' }]);
    const first = balanced(t, hub, container);
    const hasCheckpoint = async () => {
      const blob = container.getBlobClient(`localhost/${hub}/$default/checkpoint/0`);
      return (await blob.exists()) && (await blob.getProperties()).metadata?.sequencenumber === '1';
    };
    await until(hasCheckpoint, () => 'no checkpoint was written');
    await first.close();
    emulator.deleteHub(hub);
    newHub(emulator, { name: hub, partitionCount: 1 });
    const second = balanced(t, hub, container);
    await until(
      () => second.errorCodes.length > 0,
      () => 'no error was reported',
    );
    assert.equal(second.errorCodes[0], 'ArgumentError');
    assert.deepEqual(second.events, []);
  });
});
