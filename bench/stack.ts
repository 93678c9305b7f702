// The whole local stack under a steady load: does the lag stay where it is?
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPublisher } from '../local/sending/publisher.js';
import { compressText, createFleet, defaultMix, startSimulator } from '../local/simulator/index.js';
import { connectionsOf, hubsOf } from '../local/stack/pipelineHubs.js';
import { claimPorts } from '../local/stack/ports.js';
import { type Stack, startStack } from '../local/stack/stack.js';
import { StackState } from '../local/stack/stackState.js';
import { type StackReading, StatusMonitor } from '../local/stack/statusMonitor.js';
import pipeline from '../pipeline.js';
import { systemClock } from '../shared/base/index.js';

const eventsPerSecond = 5_000;
const durationMs = 60_000;
const sampleMs = 10_000;
const partitionCount = 4;
const drainTimeoutMs = 30_000;

export async function benchStack(write: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  try {
    const stack = await startOnFreePorts(folder);
    try {
      await loadStack(stack, write);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startOnFreePorts(folder: string): Promise<Stack> {
  const state = new StackState(folder);
  state.create();
  const purposes = ['blob', 'queue', 'table', 'event-hubs', 'host'];
  const ports = await claimPorts(
    purposes.map((purpose) => ({ purpose, option: `${purpose}-port`, port: 0 })),
  );
  const [blobPort = 0, queuePort = 0, tablePort = 0, eventHubsPort = 0, hostPort = 0] = ports;
  return startStack({
    landings: pipeline.files,
    state,
    ports: { blobPort, queuePort, tablePort, eventHubsPort, hostPort },
    hubs: hubsOf(pipeline, partitionCount),
    connections: connectionsOf(pipeline),
    clock: systemClock,
    onReady: () => {},
    stopWanted: new AbortController().signal,
  });
}

async function loadStack(stack: Stack, write: (line: string) => void): Promise<void> {
  const hub = pipeline.source.eventHub;
  const readingsTable = pipeline.tables.readings;
  const clock = systemClock;
  const monitor = new StatusMonitor({
    statusUrl: stack.statusUrl,
    eventHubs: stack.eventHubs,
    hub,
    readingsTable,
    clock,
  });
  const publisher = await openPublisher({ connectionString: stack.eventHubs, hub });
  try {
    const simulator = startSimulator({
      fleet: createFleet({
        deviceCount: 1_000,
        seed: 1,
        mix: defaultMix,
        fastClocks: 0.01,
        fractionBatteries: 0.2,
        compress: compressText,
      }),
      publisher,
      eventsPerSecond,
      clock,
      durationMs,
    });
    const startMs = clock.nowMs();
    const lags: number[] = [];
    write(
      `asked for ${eventsPerSecond.toLocaleString('en')} events/s for ${durationMs / 1000} s on ${partitionCount} partitions`,
    );
    for (let atMs = sampleMs; atMs <= durationMs; atMs += sampleMs) {
      await clock.sleep(startMs + atMs - clock.nowMs());
      const reading = await monitor.refresh();
      lags.push(lagOf(reading));
      write(
        `  after ${atMs / 1000} s: ${simulator.tally().events} events sent, ${rowsOf(reading, readingsTable)} rows, lag ${lags.at(-1)} events`,
      );
    }
    await simulator.finished;
    const { events, expectedReadings, expectedQuarantined, uncertainEvents } = simulator.tally();
    const sentSeconds = (clock.nowMs() - startMs) / 1000;
    const reading = await drain(monitor, expectedReadings);
    const doneSeconds = (clock.nowMs() - startMs) / 1000;
    const rows = rowsOf(reading, readingsTable);
    const quarantined = rowsOf(reading, pipeline.tables.quarantine);
    write(
      `sent ${Math.round(events / sentSeconds).toLocaleString('en')} events/s (${uncertainEvents} unconfirmed)`,
    );
    write(
      `committed ${Math.round(rows / doneSeconds).toLocaleString('en')} rows/s: ${rows} of ${expectedReadings} readings, ` +
        `${quarantined} of ${expectedQuarantined} quarantined`,
    );
    write(`lag: ${lags.join(', ')} events, one sample every ${sampleMs / 1000} s; ${growth(lags)}`);
  } finally {
    await Promise.all([monitor.close(), publisher.close()]);
  }
}

/** Waits until everything expected is in the table, or gives up and reports what is there. */
async function drain(monitor: StatusMonitor, expectedReadings: number): Promise<StackReading> {
  const deadlineMs = systemClock.nowMs() + drainTimeoutMs;
  for (;;) {
    const reading = await monitor.refresh();
    const isDone = rowsOf(reading, pipeline.tables.readings) >= expectedReadings;
    if (isDone || systemClock.nowMs() > deadlineMs) return reading;
    await systemClock.sleep(100);
  }
}

function rowsOf(reading: StackReading, table: string): number {
  return reading.tables?.find(({ name }) => name === table)?.rows ?? Number.NaN;
}

function lagOf(reading: StackReading): number {
  return reading.lag.reduce((sum, { events }) => sum + (events ?? Number.NaN), 0);
}

/** The second half of the run against the first, in seconds of input: noise stays below one second. */
function growth(lags: readonly number[]): string {
  const half = Math.floor(lags.length / 2);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const grownBy = mean(lags.slice(half)) - mean(lags.slice(0, half));
  return grownBy > eventsPerSecond ? `GROWING by ${Math.round(grownBy)} events` : 'not growing';
}
