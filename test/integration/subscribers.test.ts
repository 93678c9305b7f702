// Alerts on their way to subscribers: the program of the docs and `npm run subscribe`, behind the emulator.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type EventHubsEmulator, startEventHubsEmulator } from '../../local/eventHubs/index.js';
import { hubsOf } from '../../local/stack/pipelineHubs.js';
import { StackState } from '../../local/stack/stackState.js';
import pipeline from '../../pipeline.js';
import { createHubSender, type OutgoingEvent } from '../../shared/messaging/index.js';
import { alertEventsOf } from '../support/alertEvents.js';
import { newHub, retryOptions } from '../support/eventHubClients.js';
import { type AlertEvent, followAlerts } from '../support/subscriberExample.js';
import { until } from '../support/waiting.js';

const root = join(import.meta.dirname, '..', '..', '..');

const alertsOf = (deviceId: string) => alertEventsOf(deviceId, [20, 31, 36.5, 31, 20]);

describe('subscribers', () => {
  let emulator: EventHubsEmulator;
  before(async () => {
    emulator = await startEventHubsEmulator({ port: 0, hubs: [] });
  });
  after(() => emulator?.stop());

  async function publish(t: TestContext, eventHub: string, events: readonly OutgoingEvent[]): Promise<void> {
    const settings = { Hubs: emulator.connectionString };
    const sender = createHubSender({ eventHub, connection: 'Hubs', settings, retryOptions });
    t.after(() => sender.close());
    await sender.send(events);
  }

  it('written as the docs say get each alert once, of each device in order', async (t) => {
    const eventHub = newHub(emulator, { consumerGroups: ['pagers'] });
    const alerts: AlertEvent[] = [];
    const options = { connectionString: emulator.connectionString, eventHub, consumerGroup: 'pagers' };
    const devices = ['device_1', 'device_2', 'device_3'];
    const events = devices.flatMap(alertsOf);
    await publish(t, eventHub, events);
    const subscriber = followAlerts(options, async (alert) => {
      alerts.push(alert);
    });
    t.after(() => subscriber.close());
    // The publisher of results may send a batch twice.
    await publish(t, eventHub, [...events, ...alertsOf('device_4').slice(0, 1)]);
    await until(
      () => alerts.some(({ subject }) => subject === 'device_4') && alerts.length >= 13,
      () => `${alerts.length} alerts`,
    );
    for (const device of devices) {
      const types = alerts
        .filter(({ subject }) => subject === device)
        .map(({ type }) => type.split('.').at(-1));
      assert.deepEqual(types, ['raised', 'escalated', 'deescalated', 'resolved']);
    }
    assert.equal(alerts.length, 13);
    assert.equal(new Set(alerts.map(({ id }) => id)).size, 13);
    assert.equal(
      alerts.find(({ type }) => type.endsWith('.escalated'))?.data.message,
      'Critical temperature detected: 36.5°C',
    );
  });

  describe('npm run subscribe', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-subscribe-'));
    before(() => {
      for (const hub of hubsOf(pipeline, 4)) emulator.createHub(hub);
      const state = new StackState(folder);
      state.create();
      const hubs = hubsOf(pipeline, 4).map(({ name }) => name);
      // This process stands for npm start.
      state.writeEndpoints({
        pid: process.pid,
        storage: '',
        eventHubs: emulator.connectionString,
        hubs,
        statusUrl: '',
      });
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    it('shows what is there and what comes, and ends with Ctrl-C', async (t) => {
      const { eventHub } = pipeline.alerts;
      const before = alertsOf('sensor-1');
      await publish(t, eventHub, [...before, ...alertsOf('other')]);
      const command = new RunningCommand(t, [
        '--since',
        'beginning',
        '--device',
        'sensor-*',
        '--state',
        folder,
      ]);
      await until(
        () => command.lines.length === 4,
        () => command.output,
      );
      await publish(t, eventHub, [...before, ...alertsOf('sensor-2')]);
      await until(
        () => command.lines.length === 8,
        () => command.output,
      );
      assert.deepEqual(
        command.lines.slice(0, 4).map((line) => line.split(/ {2,}/).slice(1).join(' | ')),
        [
          'WARNING | raised | sensor-1 | High temperature warning: 31°C',
          'CRITICAL | escalated | sensor-1 | Critical temperature detected: 36.5°C',
          'WARNING | deescalated | sensor-1 | High temperature warning: 31°C',
          'WARNING | resolved | sensor-1 | Resolved: HIGH_TEMPERATURE, temperature 20',
        ],
      );
      command.child.kill('SIGINT');
      command.child.kill('SIGINT'); // npm hands the terminal's Ctrl-C on
      assert.equal(await command.exitCode, 0, command.output);
    });

    it('gives CloudEvents to programs, as many as asked for', async (t) => {
      await publish(t, pipeline.alerts.eventHub, alertsOf('json-1'));
      const args = ['--json', '--count', '3', '--since', '1h', '--device', 'json-1', '--state', folder];
      const command = new RunningCommand(t, args);
      assert.equal(await command.exitCode, 0, command.output);
      const events = command.lines.map((line) => JSON.parse(line) as AlertEvent);
      assert.deepEqual(
        events.map(({ type }) => type.split('.').at(-1)),
        ['raised', 'escalated', 'deescalated'],
      );
    });

    it('refuses a --since that it cannot read, and says when nothing is running', async (t) => {
      const odd = new RunningCommand(t, ['--since', 'yesterday', '--state', folder]);
      assert.equal(await odd.exitCode, 2);
      assert.match(odd.output, /--since yesterday is no duration/);
      const empty = mkdtempSync(join(tmpdir(), 'tributary-subscribe-'));
      t.after(() => rmSync(empty, { recursive: true, force: true }));
      const alone = new RunningCommand(t, ['--state', empty]);
      assert.equal(await alone.exitCode, 1);
      assert.match(alone.output, /Nothing is running on .* \(LOCAL_NOT_RUNNING\)/);
    });
  });
});

class RunningCommand {
  readonly child: ChildProcess;
  readonly exitCode: Promise<number | null>;
  output = '';
  #stdout = '';

  constructor(t: TestContext, args: readonly string[]) {
    const script = join(import.meta.dirname, '..', '..', 'local', 'subscribe.js');
    this.child = spawn(process.execPath, ['--enable-source-maps', script, ...args], {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
    });
    t.after(() => this.child.kill('SIGKILL'));
    this.exitCode = new Promise((resolve) => this.child.once('close', resolve));
    this.child.stdout?.on('data', (chunk) => {
      this.#stdout += chunk;
      this.output += chunk;
    });
    this.child.stderr?.on('data', (chunk) => {
      this.output += chunk;
    });
  }

  /** Of the standard output, whole ones. */
  get lines(): string[] {
    return this.#stdout.split('\n').slice(0, -1);
  }
}
