// Event Hub functions in the Functions host, against the hub emulator: batches, retries, checkpoints, several hosts.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { EventData } from '@azure/event-hubs';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import type { Azurite } from '../../local/azurite/index.js';
import { type EventHubsEmulator, startEventHubsEmulator } from '../../local/eventHubs/index.js';
import { type Cleanup, reverseCleanup } from '../support/cleanup.js';
import { newHub, newProducer } from '../support/eventHubClients.js';
import { TestHost } from '../support/functionsHost.js';
import { startTestAzurite } from '../support/testAzurite.js';
import { pollUntil } from '../support/waiting.js';

const shared = reverseCleanup({ after });
let azurite: Azurite;
let emulator: EventHubsEmulator;
let checkpoints: ContainerClient;

before(async () => {
  azurite = await startTestAzurite(shared);
  emulator = await startEventHubsEmulator({ port: 0, hubs: [] });
  shared.after(() => emulator.stop());
  checkpoints = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
    'azure-webjobs-eventhub',
  );
});

interface HubHost {
  readonly hub: string;
  readonly instance: string;
  readonly app?: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

function startHost(t: Cleanup, { hub, instance, app = 'events', settings = {}, args = [] }: HubHost) {
  return TestHost.start(t, {
    app,
    settings: {
      AzureWebJobsStorage: azurite.connectionString,
      Events: emulator.connectionString,
      HUB: hub,
      ...settings,
    },
    args: ['--instance', instance, ...args],
  });
}

async function send(
  t: Cleanup,
  hub: string,
  events: readonly EventData[],
  partition: object = { partitionId: '0' },
) {
  const producer = newProducer(t, emulator.connectionString, hub);
  const batch = await producer.createBatch(partition);
  for (const event of events) assert.ok(batch.tryAdd(event), 'too many events for one batch');
  await producer.sendBatch(batch);
}

function numbered(count: number): EventData[] {
  return Array.from({ length: count }, (_, index) => ({ body: Buffer.from(`{"n":${index}}`) }));
}

/** Partition -> sequence number of the checkpoint. */
async function checkpointsOf(hub: string): Promise<Record<string, number>> {
  const prefix = `localhost/${hub}/$default/checkpoint/`;
  const found: Record<string, number> = {};
  for await (const blob of checkpoints.listBlobsFlat({ prefix, includeMetadata: true })) {
    found[blob.name.slice(prefix.length)] = Number(blob.metadata?.sequencenumber);
  }
  return found;
}

/** Owner -> number of partitions. */
async function ownersOf(hub: string): Promise<Record<string, number>> {
  const owners: Record<string, number> = {};
  const prefix = `localhost/${hub}/$default/ownership/`;
  for await (const blob of checkpoints.listBlobsFlat({ prefix, includeMetadata: true })) {
    const owner = blob.metadata?.ownerid ?? '';
    owners[owner] = (owners[owner] ?? 0) + 1;
  }
  return owners;
}

async function checkpointAt(hub: string, partition: string, sequenceNumber: number): Promise<void> {
  await pollUntil(`the checkpoint of ${hub}/${partition} is at ${sequenceNumber}`, async () => {
    return (await checkpointsOf(hub))[partition] === sequenceNumber;
  });
}

/** Sequence numbers seen per partition, each once. */
function seenBy(...hosts: readonly TestHost[]): Record<string, Set<number>> {
  const seen: Record<string, Set<number>> = {};
  for (const { partition, sequenceNumbers } of hosts.flatMap((host) => host.batches)) {
    seen[partition] ??= new Set();
    for (const sequenceNumber of sequenceNumbers) seen[partition].add(sequenceNumber);
  }
  return seen;
}

describe('a batch of events', () => {
  it('reaches the function with its exact bytes and all its metadata', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    const bodies = [
      Buffer.from([0, 255, 1, 254]),
      Buffer.from('{"a": 1.0}'),
      Buffer.alloc(0),
      Buffer.from('no json'),
    ];
    const events = bodies.map((body) => ({ body, contentType: 'x/y', properties: { Kind: 'test' } }));
    await send(t, hub, events.slice(0, 2), { partitionKey: 'device-1' });
    await send(t, hub, events.slice(2));
    const host = await startHost(t, { hub, instance: 'bytes', settings: { DETAILS: 'yes' } });
    await host.waitUntil('all events', () => seenBy(host)['0']?.size === 4);

    assert.deepEqual(
      host.batches.flatMap((batch) => batch.bodies),
      bodies.map((body) => body.toString('base64')),
    );
    const all = (key: string) =>
      host.batches.flatMap((batch) => batch.metadata?.[key]) as Record<string, unknown>[];
    assert.deepEqual(host.batches[0]?.metadata?.partitionContext, {
      fullyQualifiedNamespace: 'localhost',
      eventHubName: hub,
      consumerGroup: '$Default',
      partitionId: '0',
      isCheckpointingAfterInvocation: true,
    });
    assert.deepEqual(all('partitionKeyArray'), ['device-1', 'device-1']);
    assert.deepEqual(all('sequenceNumberArray'), [0, 1, 2, 3]);
    assert.ok(all('offsetArray').every((offset) => typeof offset === 'number'));
    assert.deepEqual(all('propertiesArray'), Array(4).fill({ kind: 'test' }));
    const systemProperties = all('systemPropertiesArray');
    assert.deepEqual(
      systemProperties.map(({ partitionKey }) => partitionKey),
      ['device-1', 'device-1', null, null],
    );
    for (const [index, properties] of systemProperties.entries()) {
      assert.equal(properties.sequenceNumber, index);
      assert.equal(properties['x-opt-sequence-number'], index);
      assert.equal(properties['content-type'], 'x/y');
      assert.equal(properties.enqueuedTimeUtc, all('enqueuedTimeUtcArray')[index]);
      assert.ok(!Number.isNaN(Date.parse(String(properties.enqueuedTimeUtc))));
    }
    await checkpointAt(hub, '0', 3);
  });

  it('that fails is tried as often as its policy says, with the count, and then checkpointed once', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    await send(t, hub, numbered(3));
    const folder = mkdtempSync(join(tmpdir(), 'tributary-gate-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const settings = { BEHAVIOUR: 'retry', GATE: join(folder, 'open') };
    const host = await startHost(t, { hub, instance: 'retry', settings });
    await host.waitUntil('the last attempt', () => host.batches.length >= 3);
    assert.deepEqual(await checkpointsOf(hub), {});
    writeFileSync(settings.GATE, '');
    await checkpointAt(hub, '0', 2);

    // However the events were cut into batches: three attempts for each.
    const attempts = host.batches;
    const cuts = [...new Set(attempts.map(({ sequenceNumbers }) => sequenceNumbers.join()))];
    assert.equal(cuts.join(), '0,1,2');
    assert.deepEqual(
      attempts.map(({ sequenceNumbers, retryContext }) => [
        sequenceNumbers.join(),
        retryContext?.retryCount,
        retryContext?.maxRetryCount,
        retryContext?.exception !== undefined,
      ]),
      cuts.flatMap((cut) => [
        [cut, 0, 2, false],
        [cut, 1, 2, true],
        [cut, 2, 2, true],
      ]),
    );
    await send(t, hub, numbered(1));
    await host.waitUntil('the next batch', () => host.batches.length > attempts.length);
    assert.deepEqual(host.batches[attempts.length]?.sequenceNumbers, [3]);
  });

  it('is checkpointed although the function threw: it never comes again', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    await send(t, hub, numbered(3));
    const failing = await startHost(t, { hub, instance: 'throws', settings: { BEHAVIOUR: 'fail' } });
    await checkpointAt(hub, '0', 2);
    assert.deepEqual(
      failing.batches.flatMap(({ sequenceNumbers }) => sequenceNumbers),
      [0, 1, 2],
    );
    await failing.service.stop();

    await send(t, hub, numbered(1));
    const next = await startHost(t, { hub, instance: 'throws' });
    await next.waitUntil('the new event', () => next.batches.length >= 1);
    assert.deepEqual(next.batches[0]?.sequenceNumbers, [3]);
  });

  it('is held until the wait is over', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    await send(t, hub, numbered(1));
    const host = await startHost(t, { hub, instance: 'held', app: 'heldEvents' });
    await host.waitUntil('the first event', () => host.batches.length === 1);
    await checkpointAt(hub, '0', 0);

    const sentMs = performance.now();
    await send(t, hub, numbered(30));
    await host.waitUntil('the 30 events', () => host.batches.length >= 2);
    const waitedMs = performance.now() - sentMs;
    assert.equal(host.batches[1]?.sequenceNumbers.length, 30);
    assert.ok(waitedMs >= 2_900, `held for ${waitedMs} ms only, not 3 s`);
  });

  it('is not held when it is the first or large enough', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    await send(t, hub, numbered(1));
    // Its wait is longer than this test would wait.
    const host = await startHost(t, { hub, instance: 'patient', app: 'patientEvents' });
    await host.waitUntil('the first event', () => host.batches.length === 1);
    await send(t, hub, numbered(60));
    await host.waitUntil('a full batch', () => host.batches.length >= 2);
    assert.ok((host.batches[1]?.sequenceNumbers.length ?? 0) >= 50);
  });
});

describe('a host that is killed', () => {
  it('goes on at once under its name, leaving no gap', async (t) => {
    const hub = newHub(emulator, { partitionCount: 4 });
    const first = await startHost(t, { hub, instance: 'killed' });
    const partitions = ['0', '1', '2', '3'];
    for (let round = 0; round < 5; round++) {
      for (const partitionId of partitions) await send(t, hub, numbered(50), { partitionId });
    }
    // However the events were cut into batches: some are done with, and the host dies while it works.
    await pollUntil('a checkpoint', async () => Object.keys(await checkpointsOf(hub)).length > 0);
    await first.service.kill();
    for (const partitionId of partitions) await send(t, hub, numbered(50), { partitionId });

    // The ownership that the dead host left behind is good for ten minutes more.
    const second = await startHost(t, { hub, instance: 'killed' });
    const complete = () => partitions.every((partition) => seenBy(first, second)[partition]?.size === 300);
    await second.waitUntil('all events of all partitions', complete);
    for (const partition of partitions) await checkpointAt(hub, partition, 299);
    const before = Object.values(seenBy(first)).reduce((count, numbers) => count + numbers.size, 0);
    const again = Object.values(seenBy(second)).reduce((count, numbers) => count + numbers.size, 0);
    assert.ok(again < 1200, `everything came again, ${before} of it needlessly`);
  });

  it('gives its partitions to another host when its ownership has expired', async (t) => {
    const hub = newHub(emulator, { partitionCount: 2 });
    const first = await startHost(t, { hub, instance: 'dead', app: 'heldEvents' });
    await pollUntil('the first owns both', async () => (await ownersOf(hub))['dead/held'] === 2);
    await first.service.kill();
    const second = await startHost(t, { hub, instance: 'heir', app: 'heldEvents' });
    await pollUntil('the second owns both', async () => (await ownersOf(hub))['heir/held'] === 2);
    await send(t, hub, numbered(1), { partitionId: '1' });
    await second.waitUntil('the event', () => second.batches.length === 1);
  });
});

describe('two hosts', () => {
  it('share the partitions, lose nothing, and one takes over when the other stops', async (t) => {
    const hub = newHub(emulator, { partitionCount: 4 });
    const partitions = ['0', '1', '2', '3'];
    let sent = 0;
    const sendToAll = async () => {
      sent += 20;
      for (const partitionId of partitions) await send(t, hub, numbered(20), { partitionId });
    };
    const first = await startHost(t, { hub, instance: 'first' });
    await pollUntil('the first owns all', async () => (await ownersOf(hub))['first/binary'] === 4);
    await sendToAll();
    const second = await startHost(t, { hub, instance: 'second' });
    await pollUntil('both own two, with events flowing', async () => {
      await sendToAll();
      const owners = await ownersOf(hub);
      return owners['first/binary'] === 2 && owners['second/binary'] === 2;
    });
    // The first may read on for a moment after its partitions are the second's.
    await pollUntil('the second has events', async () => {
      await sendToAll();
      return second.batches.length > 0;
    });
    const complete = () => partitions.every((partition) => seenBy(first, second)[partition]?.size === sent);
    await pollUntil('all events', async () => complete());

    await first.service.stop();
    // Long before the ownership of the first would expire.
    await pollUntil('the second owns all', async () => (await ownersOf(hub))['second/binary'] === 4);
    await sendToAll();
    await second.waitUntil('all events', complete);
  });
});

describe('a hub that was wiped', () => {
  it('is refused with its old checkpoints, and read from its start once they are reset', async (t) => {
    const hub = newHub(emulator, { partitionCount: 2 });
    await send(t, hub, numbered(5), { partitionId: '1' });
    const first = await startHost(t, { hub, instance: 'wiped' });
    await checkpointAt(hub, '1', 4);
    await first.service.stop();

    emulator.deleteHub(hub);
    newHub(emulator, { name: hub, partitionCount: 2 });
    await send(t, hub, numbered(2), { partitionId: '1' });
    const refused = (error: Error) => {
      for (const part of [
        'LOCAL_STATE_MISMATCH',
        `"${hub}"`,
        'partition 1',
        'sequence number 4',
        'last event is 1',
        '--reset-checkpoints',
      ]) {
        assert.ok(error.message.includes(part), `${part} is missing: ${error.message}`);
      }
      return true;
    };
    await assert.rejects(startHost(t, { hub, instance: 'wiped' }), refused);

    const reset = await startHost(t, { hub, instance: 'wiped', args: ['--reset-checkpoints'] });
    await reset.waitUntil('the new events', () => seenBy(reset)['1']?.size === 2);
    assert.deepEqual([...(seenBy(reset)['1'] ?? [])], [0, 1]);
  });

  it('under a running host is reported and not read', async (t) => {
    const hub = newHub(emulator, { partitionCount: 1 });
    await send(t, hub, numbered(5));
    const host = await startHost(t, { hub, instance: 'replaced' });
    await checkpointAt(hub, '0', 4);
    emulator.deleteHub(hub);
    newHub(emulator, { name: hub, partitionCount: 1 });
    await send(t, hub, numbered(9));
    await host.waitUntil('the report', () =>
      host.lines.some((line) => line.includes('LOCAL_STATE_MISMATCH') && line.includes('created anew')),
    );
    assert.deepEqual([...(seenBy(host)['0'] ?? [])], [0, 1, 2, 3, 4]);
  });
});

describe('an event hub that cannot be read', () => {
  it('stops the host, naming function, hub and connection', async (t) => {
    await assert.rejects(
      startHost(t, { hub: 'nobody', instance: 'missing' }),
      /Function "binary": event hub "nobody" of connection "Events" cannot be read/,
    );
  });
});
