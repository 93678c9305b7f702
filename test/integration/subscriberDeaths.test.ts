// A subscriber that is killed again and again, written as the docs say: it misses no alert.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type EventHubsEmulator, startEventHubsEmulator } from '../../local/eventHubs/index.js';
import { DeviceAlerts } from '../../shared/alerts/index.js';
import { seededRandom } from '../../shared/base/index.js';
import { createHubSender, type OutgoingEvent } from '../../shared/messaging/index.js';
import { cloudEventSource, toCloudEvent } from '../../shared/results/index.js';
import { planOf, reading, seedRules } from '../alerts/alertPlans.js';
import { newHub, retryOptions } from '../support/eventHubClients.js';
import { until } from '../support/waiting.js';

const killCount = 25;
const alertsPerLife = 40;
const consumerGroup = 'pagers';
const devices = ['a', 'b', 'c', 'd', 'e'];

/** One process of the subscriber. */
class Life {
  readonly child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #output = '';

  constructor(t: TestContext, connectionString: string, eventHub: string) {
    const script = join(import.meta.dirname, '..', 'support', 'dyingSubscriber.js');
    this.child = spawn(process.execPath, [script, connectionString, eventHub, consumerGroup], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#closed = once(this.child, 'close');
    this.child.stdout?.on('data', (chunk) => {
      this.#output += chunk;
    });
    t.after(() => this.child.kill('SIGKILL'));
  }

  /** `id device` of each alert that was handled, in order. */
  get handled(): readonly string[] {
    return this.#output.split('\n').slice(0, -1);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    // All of its output has been read by then.
    await this.#closed;
  }
}

describe('a subscriber that is killed', () => {
  let emulator: EventHubsEmulator;
  before(async () => {
    emulator = await startEventHubsEmulator({ port: 0, hubs: [] });
  });
  after(() => emulator?.stop());

  it(`${killCount} times gets every alert, in each life once, and of a device in order`, async (t) => {
    const eventHub = newHub(emulator, { consumerGroups: [consumerGroup] });
    const { connectionString } = emulator;
    const sender = createHubSender({
      eventHub,
      connection: 'Hubs',
      settings: { Hubs: connectionString },
      retryOptions,
    });
    t.after(() => sender.close());
    const random = seededRandom(31);
    const alerts = alertSource();
    const sent: OutgoingEvent[] = [];
    const lives: Life[] = [];
    for (let kill = 0; kill < killCount; kill++) {
      const life = new Life(t, connectionString, eventHub);
      lives.push(life);
      const handledBefore = Math.floor(random.next() * (sent.length + alertsPerLife / 2));
      for (let round = 0; round < alertsPerLife / devices.length; round++) {
        const events = alerts();
        sent.push(...events);
        // A publication that is repeated sends the ones before again.
        await sender.send(random.next() < 0.3 ? [...sent.slice(-2 * devices.length), ...events] : events);
      }
      await until(
        () => life.handled.length >= handledBefore,
        () => `${life.handled.length} of ${handledBefore} alerts`,
      );
      await life.kill();
    }
    const last = new Life(t, connectionString, eventHub);
    await until(
      () => last.handled.length >= sent.length,
      () => `${last.handled.length} of ${sent.length} alerts`,
    );
    await last.kill();

    const ids = sent.map(({ messageId }) => messageId);
    assert.equal(new Set(ids).size, killCount * alertsPerLife);
    assert.deepEqual(
      new Set(last.handled.map(idOf)),
      new Set(ids),
      'the last one read all that the hub still has',
    );
    for (const { handled } of [...lives, last]) {
      assert.equal(new Set(handled).size, handled.length, 'an alert was handled twice in one life');
      for (const device of devices) {
        const seen = handled.filter((line) => line.endsWith(` ${device}`)).map(idOf);
        const order = sent
          .filter(({ partitionKey }) => partitionKey === device)
          .map(({ messageId }) => messageId);
        assert.deepEqual(seen, order.slice(0, seen.length), `alerts of ${device} out of order`);
      }
    }
    const died = lives.filter(({ handled }) => handled.length > 0).length;
    assert.ok(died > killCount / 2, `only ${died} were killed at work`);
    t.diagnostic(
      `${sent.length} alerts, handled ${lives.reduce((sum, { handled }) => sum + handled.length, 0)} times before the last life`,
    );
  });
});

function idOf(line: string): string {
  return line.split(' ')[0] ?? '';
}

/** @returns a function that gives one new alert of each device */
function alertSource(): () => OutgoingEvent[] {
  const context = { source: cloudEventSource('sensor-data'), fieldNames: ['temperature', 'battery'] };
  const plan = planOf({ rules: seedRules });
  const known = devices.map((device) => ({ device, alerts: DeviceAlerts.fresh(plan) }));
  let second = 0;
  return () => {
    second++;
    // Up and down: each reading raises or resolves.
    const temperature = second % 2 === 1 ? 31 : 20;
    return known.flatMap(({ device, alerts }) =>
      alerts
        .evaluate(device, reading(second, temperature))
        .map((alert) => toCloudEvent(alert, device, context)),
    );
  };
}
