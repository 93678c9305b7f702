// Many devices on the whole local stack: does it keep up, what does a device cost, and how soon does a subscriber hear of a breach?
// TRIBUTARY_BENCH_DEVICES (50,000), _SHARDS (64) and _SECONDS (120) change the load: each device sends once every ten seconds.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EventPublisher, openPublisher } from '../local/sending/publisher.js';
import { createAppFolder } from '../local/stack/appFolder.js';
import { claimPorts } from '../local/stack/ports.js';
import { type Stack, startStack } from '../local/stack/stack.js';
import { StackState } from '../local/stack/stackState.js';
import { StatusMonitor } from '../local/stack/statusMonitor.js';
import { subscribeToHub } from '../local/subscribing/hubSubscriber.js';
import { systemClock } from '../shared/base/index.js';
import type { PipelineDefinition } from '../shared/pipeline/index.js';

const hub = 'sensor-data';
const alertHub = 'alerts';
const partitionCount = 4;
const secondsPerReading = 10;
const sliceMs = 100;
const probePauseMs = 500;
const unloadedProbes = 20;

interface Load {
  readonly devices: number;
  readonly shards: number;
  readonly seconds: number;
}

/** Three metrics in windows of five minutes, and one rule. */
function pipelineOf({ shards }: Load): PipelineDefinition {
  return {
    source: { eventHub: hub },
    deviceId: { from: 'deviceId' },
    eventTime: { from: 'ts', forms: ['epochMillis'] },
    fields: { temperature: { type: 'double' }, humidity: { type: 'double' }, battery: { type: 'double' } },
    windows: { definitions: { five_minutes: { kind: 'tumbling', sizeMs: 300_000 } }, shards },
    alerts: {
      rules: [
        {
          name: 'HOT',
          when: { field: 'temperature', is: '>', threshold: 35 },
          severity: 'CRITICAL',
          message: 'Hot: {temperature}',
        },
      ],
    },
  };
}

export async function benchDevices(write: (line: string) => void): Promise<void> {
  const load: Load = {
    devices: setting('DEVICES', 50_000),
    shards: setting('SHARDS', 64),
    seconds: setting('SECONDS', 120),
  };
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  try {
    createAppFolder(join(folder, 'app'), pipelineOf(load));
    const stack = await startOnFreePorts(folder);
    try {
      await measure(stack, load, write);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function setting(name: string, preset: number): number {
  const value = Number(process.env[`TRIBUTARY_BENCH_${name}`] ?? preset);
  return Number.isFinite(value) && value > 0 ? value : preset;
}

async function startOnFreePorts(folder: string): Promise<Stack> {
  const state = new StackState(join(folder, 'state'));
  state.create();
  const purposes = ['blob', 'queue', 'table', 'event-hubs', 'host'];
  const ports = await claimPorts(
    purposes.map((purpose) => ({ purpose, option: `${purpose}-port`, port: 0 })),
  );
  const [blobPort = 0, queuePort = 0, tablePort = 0, eventHubsPort = 0, hostPort = 0] = ports;
  return startStack({
    state,
    ports: { blobPort, queuePort, tablePort, eventHubsPort, hostPort },
    hubs: [
      { name: hub, partitionCount, consumerGroups: [] },
      { name: alertHub, partitionCount: 2, consumerGroups: [] },
    ],
    connections: ['EventHubs'],
    landings: [],
    app: join(folder, 'app'),
    clock: systemClock,
    onReady: () => {},
    stopWanted: new AbortController().signal,
  });
}

async function measure(stack: Stack, load: Load, write: (line: string) => void): Promise<void> {
  const { devices, shards, seconds } = load;
  const monitor = new StatusMonitor({
    statusUrl: stack.statusUrl,
    eventHubs: stack.eventHubs,
    hub,
    readingsTable: 'readings',
    clock: systemClock,
  });
  const publisher = await openPublisher({ connectionString: stack.eventHubs, hub });
  const probes = await AlertProbes.open(stack.eventHubs, publisher);
  try {
    await probes.send(); // opens every connection on the way
    await systemClock.sleep(5_000);
    probes.forget();
    for (let probe = 0; probe < unloadedProbes; probe++) {
      await probes.send();
      await systemClock.sleep(probePauseMs);
    }
    await probes.settle();
    write(`alert latency without load: ${probes.describe()}`);
    probes.forget();

    const perSecond = devices / secondsPerReading;
    write(
      `${devices} devices in ${shards} shards, ${perSecond} readings/s for ${seconds} s on ${partitionCount} partitions`,
    );
    await loadFor(load, publisher, probes, async (second, sent) => {
      if (second % 20 !== 0) return;
      const lag = (await monitor.refresh()).lag.reduce((sum, { events }) => sum + (events ?? Number.NaN), 0);
      write(
        `  after ${second} s: ${sent} readings sent, ingest lag ${lag} events, ${probes.pendingCount} alerts on their way`,
      );
    });
    await probes.settle();
    write(`alert latency under load: ${probes.describe()}`);
    await describeShards(stack, write);
  } finally {
    await Promise.all([probes.close(), monitor.close(), publisher.close()]);
  }
}

/** Devices take turns; each slice of a second has its share of them. */
async function loadFor(
  { devices, seconds }: Load,
  publisher: EventPublisher,
  probes: AlertProbes,
  report: (second: number, sent: number) => Promise<void>,
): Promise<void> {
  const startMs = systemClock.nowMs();
  const perSlice = (devices / secondsPerReading) * (sliceMs / 1000);
  let sent = 0;
  for (let slice = 0; slice < (seconds * 1000) / sliceMs; slice++) {
    await systemClock.sleep(startMs + slice * sliceMs - systemClock.nowMs());
    const bodies: Uint8Array[][] = publisher.partitionIds.map(() => []);
    for (; sent < (slice + 1) * perSlice; sent++) {
      const device = sent % devices;
      bodies[device % bodies.length]!.push(body(`sensor-${device}`, 20 + (sent % 97) / 10));
    }
    await Promise.all(publisher.partitionIds.map((id, index) => publisher.send(id, bodies[index] ?? [])));
    if ((slice * sliceMs) % probePauseMs === 0) await probes.send();
    const elapsedMs = (slice + 1) * sliceMs;
    if (elapsedMs % 1_000 === 0) await report(elapsedMs / 1_000, sent);
  }
}

function body(deviceId: string, temperature: number): Uint8Array {
  const reading = { deviceId, ts: systemClock.nowMs(), temperature, humidity: 40.5, battery: 87.25 };
  return Buffer.from(JSON.stringify(reading));
}

/** Devices that breach once each, and the time until a subscriber of the alert hub has heard of it. */
class AlertProbes {
  readonly #sentMs = new Map<string, number>();
  #latenciesMs: number[] = [];
  #count = 0;
  #close: () => Promise<void> = async () => {};

  private constructor(private readonly publisher: EventPublisher) {}

  static async open(connectionString: string, publisher: EventPublisher): Promise<AlertProbes> {
    const probes = new AlertProbes(publisher);
    probes.#close = subscribeToHub({ connectionString, hub: alertHub }, (event) => {
      probes.#arrived((event as { readonly subject?: string }).subject);
    });
    return probes;
  }

  get pendingCount(): number {
    return this.#sentMs.size;
  }

  async send(): Promise<void> {
    const device = `probe-${this.#count++}`;
    const partition = this.publisher.partitionIds[this.#count % this.publisher.partitionIds.length] ?? '0';
    this.#sentMs.set(device, systemClock.nowMs());
    await this.publisher.send(partition, [body(device, 50)]);
  }

  /** Waits for those on their way. */
  async settle(): Promise<void> {
    const deadlineMs = systemClock.nowMs() + 60_000;
    while (this.#sentMs.size > 0 && systemClock.nowMs() < deadlineMs) await systemClock.sleep(100);
  }

  forget(): void {
    this.#latenciesMs = [];
    this.#sentMs.clear();
  }

  describe(): string {
    const sorted = [...this.#latenciesMs].sort((a, b) => a - b);
    const quantile = (share: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    const lost = this.#sentMs.size === 0 ? '' : `, ${this.#sentMs.size} not within a minute`;
    return `p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms of ${sorted.length}${lost}`;
  }

  close(): Promise<void> {
    return this.#close();
  }

  #arrived(device: string | undefined): void {
    const sentMs = device === undefined ? undefined : this.#sentMs.get(device);
    if (device === undefined || sentMs === undefined) return;
    this.#sentMs.delete(device);
    this.#latenciesMs.push(systemClock.nowMs() - sentMs);
  }
}

interface Summary {
  readonly devices: number;
  readonly stateBytes: number;
  readonly outboxRows: number;
  readonly signals: number;
  readonly readings: number;
}

/** The shards speak of themselves once a minute, so this waits for all of them to have spoken after the load. */
async function describeShards(stack: Stack, write: (line: string) => void): Promise<void> {
  await systemClock.sleep(70_000);
  const response = await fetch(stack.statusUrl);
  const { shards } = (await response.json()) as { readonly shards: readonly Summary[] };
  const sum = (name: keyof Summary) => shards.reduce((total, shard) => total + shard[name], 0);
  const largest = Math.max(...shards.map(({ stateBytes }) => stateBytes));
  write(
    `${sum('signals')} signals for ${sum('readings')} readings: ${((1000 * sum('signals')) / sum('readings')).toFixed(1)} entity operations per 1,000 readings`,
  );
  write(
    `${Math.round(sum('stateBytes') / sum('devices'))} bytes of state per device (${sum('devices')} devices), the largest shard ${largest} bytes; ${sum('outboxRows')} rows wait`,
  );
}
