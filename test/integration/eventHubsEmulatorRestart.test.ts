// The Event Hubs emulator stopped, killed and started again, and as a program of its own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { EventHubProducerClient } from '@azure/event-hubs';
import { type EventHubsEmulator, startEventHubsEmulator } from '../../local/eventHubs/index.js';
import { type ChildService, startChildService } from '../../local/stack/childService.js';
import { claimPorts } from '../../local/stack/ports.js';
import {
  bodiesOf,
  impatientRetries,
  newConsumer,
  newProducer,
  read,
  watch,
} from '../support/eventHubClients.js';
import { until } from '../support/waiting.js';

const script = join(import.meta.dirname, '..', '..', 'local', 'eventHubs', 'cli.js');
const hubs = [{ name: 'readings', partitionCount: 2 }];

/** One that no connection takes while the emulator is away. */
async function freePort(): Promise<number> {
  const [port] = await claimPorts([{ purpose: 'the emulator', option: 'port', port: 0 }]);
  return port!;
}

function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-restart-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function start(t: TestContext, port: number, dataFolder?: string): Promise<EventHubsEmulator> {
  const emulator = await startEventHubsEmulator({
    port,
    hubs,
    ...(dataFolder === undefined ? {} : { dataFolder }),
  });
  t.after(() => emulator.stop());
  return emulator;
}

interface CliEmulator {
  readonly service: ChildService;
  readonly connectionString: string;
  readonly port: string;
  readonly lines: readonly string[];
}

async function startCli(t: TestContext, port: string, dataFolder: string): Promise<CliEmulator> {
  const lines: string[] = [];
  const service = await startChildService({
    name: 'Event Hubs emulator',
    script,
    args: ['--port', port, '--data', dataFolder, '--hub', 'readings:2'],
    isReady: (line) => line.startsWith('Event Hubs emulator is listening on'),
    onLine: (line) => lines.push(line),
  });
  t.after(() => service.stop());
  const [, chosenPort = '', connectionString = ''] =
    /on port (\d+), connection string: (.+)$/.exec(lines.at(-1) ?? '') ?? [];
  return { service, connectionString, port: chosenPort, lines };
}

describe('a restart', () => {
  it('lets clients go on unaided where they were', async (t) => {
    const folder = tempFolder(t);
    const first = await start(t, await freePort(), folder);
    const producer = newProducer(t, first.connectionString, 'readings', impatientRetries);
    const consumer = newConsumer(t, first.connectionString, 'readings', { retries: impatientRetries });
    const watched = watch(t, consumer);
    await producer.sendBatch([{ body: 0 }, { body: 1 }], { partitionId: '0' });
    await until(
      () => watched.events.length === 2,
      () => `${watched.events.length} events before the restart`,
    );
    const { createdOn } = await producer.getEventHubProperties();
    await first.stop();
    await start(t, first.port, folder);
    await producer.sendBatch([{ body: 2 }], { partitionId: '0' });
    await until(
      () => watched.events.length >= 3,
      () => `${watched.events.length} events after the restart`,
    );
    assert.deepEqual(
      watched.events.map((event) => [event.body, event.sequenceNumber]),
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    );
    assert.deepEqual((await producer.getEventHubProperties()).createdOn, createdOn);
  });

  it('of an emulator without a folder begins with empty hubs of a new age', async (t) => {
    const first = await start(t, await freePort());
    const producer = newProducer(t, first.connectionString, 'readings', impatientRetries);
    await producer.sendBatch([{ body: 'old' }], { partitionId: '0' });
    const { createdOn } = await producer.getEventHubProperties();
    await first.stop();
    await start(t, first.port);
    assert.equal((await producer.getPartitionProperties('0')).isEmpty, true);
    assert.ok((await producer.getEventHubProperties()).createdOn > createdOn);
  });

  it('keeps what was acknowledged before a kill -9, once for each acknowledgement', async (t) => {
    const folder = tempFolder(t);
    const first = await startCli(t, String(await freePort()), folder);
    const acknowledged = new Set<string>();
    const unanswered = new Set<string>();
    const killed = new AbortController();
    const { signal: abortSignal } = killed;
    const lanes = Array.from({ length: 6 }, async (_, lane) => {
      // No retries: a batch that was stored but not acknowledged must not be sent again.
      const producer = new EventHubProducerClient(first.connectionString, 'readings', {
        retryOptions: { maxRetries: 0, timeoutInMs: 60_000 },
      });
      t.after(() => producer.close());
      for (let batch = 0; !abortSignal.aborted; batch++) {
        const bodies = Array.from({ length: 7 }, (_, index) => `${lane}/${batch}/${index}`);
        for (const body of bodies) unanswered.add(body);
        try {
          await producer.sendBatch(
            bodies.map((body) => ({ body })),
            { abortSignal },
          );
        } catch (error) {
          assert.ok(abortSignal.aborted, `a send failed before the kill: ${error}`);
          return;
        }
        for (const body of bodies) unanswered.delete(body);
        for (const body of bodies) acknowledged.add(body);
      }
    });
    const allLanes = Promise.all(lanes);
    await until(
      () => acknowledged.size > 1_500,
      () => `${acknowledged.size} events are acknowledged`,
    );
    const kill = first.service.kill();
    // Their answers will not come any more.
    killed.abort();
    await kill;
    await allLanes;

    const second = await startCli(t, first.port, folder);
    const producer = newProducer(t, second.connectionString, 'readings');
    const ends = await Promise.all(['0', '1'].map((id) => producer.getPartitionProperties(id)));
    const count = ends.reduce((sum, end) => sum + end.lastEnqueuedSequenceNumber + 1, 0);
    const { events, partitionIds } = await read(t, newConsumer(t, second.connectionString, 'readings'), {
      count,
    });
    const bodies = events.map((event) => String(event.body));
    assert.equal(new Set(bodies).size, bodies.length, 'nothing is stored twice');
    assert.deepEqual(
      [...acknowledged].filter((body) => !bodies.includes(body)),
      [],
      'nothing that was acknowledged is lost',
    );
    assert.deepEqual(
      bodies.filter((body) => !acknowledged.has(body) && !unanswered.has(body)),
      [],
    );
    for (const id of ['0', '1']) {
      const numbers = events
        .filter((_, index) => partitionIds[index] === id)
        .map((event) => event.sequenceNumber);
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index),
        'batches are whole and numbers have no gaps',
      );
    }
    await producer.sendBatch([{ body: 'next' }], { partitionId: '0' });
    const end = await producer.getPartitionProperties('0');
    assert.equal(end.lastEnqueuedSequenceNumber, (ends[0]?.lastEnqueuedSequenceNumber ?? 0) + 1);
  });
});

describe('the emulator as a program', () => {
  it('prints one line when it is ready, and stops on a signal without losing anything', async (t) => {
    const folder = tempFolder(t);
    const first = await startCli(t, '0', folder);
    assert.equal(first.lines.length, 1);
    assert.match(first.connectionString, /^Endpoint=sb:\/\/localhost:\d+;.*UseDevelopmentEmulator=true$/);
    await newProducer(t, first.connectionString, 'readings').sendBatch([{ body: 'kept' }]);
    await first.service.stop();
    assert.equal(await first.service.exited, 0);
    const second = await startCli(t, '0', folder);
    const seen = await read(t, newConsumer(t, second.connectionString, 'readings'), { count: 1 });
    assert.deepEqual(bodiesOf(seen), ['kept']);
  });

  it('says what is wrong with its arguments', () => {
    const run = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
      return { status, stdout, stderr };
    };
    const help = run('--help');
    assert.equal(help.status, 0);
    assert.match(help.stdout, /--retention-hours HOURS/);
    for (const [args, message] of [
      [[], /CONFIG_INVALID: No event hub is named. Add --hub/],
      [['--hub', 'a'], /--hub a is not NAME:PARTITIONS/],
      [['--hub', 'a:0'], /cannot have 0 partitions/],
      [['--hub', 'a:1', '--port', '70000'], /--port 70000 is not a port number/],
      [['--hub', 'a:1', '--retention-hours', 'x'], /--retention-hours x is not a number/],
      [['--hub', 'a:1', '--what'], /--what/],
    ] as const) {
      const { status, stderr } = run(...args);
      assert.equal(status, 1);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }
  });

  it('reports a taken port, and a data folder that another emulator uses', async (t) => {
    const folder = tempFolder(t);
    const other = createServer();
    t.after(() => other.close());
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => {
        const address = other.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    await assert.rejects(startEventHubsEmulator({ port, hubs, dataFolder: folder }), {
      code: 'LOCAL_PORT_IN_USE',
      message: new RegExp(`port ${port} .*choose another port with --port`),
    });
    await startCli(t, '0', folder);
    await assert.rejects(startEventHubsEmulator({ port: 0, hubs, dataFolder: folder }), {
      code: 'LOCAL_START_FAILED',
      message: /in use by process \d+/,
    });
  });
});
