import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { noticeOf } from '../../../local/stack/logNotice.js';
import { claimPorts } from '../../../local/stack/ports.js';
import { RateMeter } from '../../../local/stack/rateMeter.js';
import { StackLock } from '../../../local/stack/stackLock.js';
import { StackState } from '../../../local/stack/stackState.js';
import { type RunSummary, summaryLines, whereToSendLines } from '../../../local/starting/startMessages.js';

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-state-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A process id that nobody has any more. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  return child.pid ?? -1;
}

describe('the lock of a state folder', () => {
  it('is held by one process, and free again after its release', (t) => {
    const file = join(temporaryFolder(t), 'lock.json');
    const first = new StackLock(file);
    assert.deepEqual(first.acquire(), { kind: 'acquired', leftBehind: [] });
    assert.deepEqual(new StackLock(file).acquire(), { kind: 'held', pid: process.pid });
    first.release();
    assert.equal(new StackLock(file).acquire().kind, 'acquired');
  });

  it('of a process that was killed is taken over, with the services it left behind', async (t) => {
    const file = join(temporaryFolder(t), 'lock.json');
    const service = spawn(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.after(() => service.kill('SIGKILL'));
    await new Promise((resolve) => service.stdout.once('data', resolve));
    const alive = { name: 'Azurite', pid: service.pid ?? -1 };
    const killed = new StackLock(file);
    killed.acquire();
    killed.recordServices([alive, { name: 'Functions host', pid: await deadPid() }]);
    const lock = JSON.parse(readFileSync(file, 'utf8'));
    const reused = { name: 'Event Hubs emulator', pid: process.pid, commandLine: 'node something else' };
    writeFileSync(
      file,
      JSON.stringify({ ...lock, pid: await deadPid(), services: [...lock.services, reused] }),
    );
    const result = new StackLock(file).acquire();
    assert.ok(result.kind === 'acquired');
    assert.deepEqual(
      result.leftBehind.map(({ name, pid }) => ({ name, pid })),
      [alive],
    );
  });

  it('is not released by a process that does not hold it', async (t) => {
    const file = join(temporaryFolder(t), 'lock.json');
    new StackLock(file).acquire();
    const lock = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...lock, pid: process.ppid }));
    new StackLock(file).release();
    assert.equal(existsSync(file), true);
  });

  it('that was cut off by a power failure is taken over', (t) => {
    const file = join(temporaryFolder(t), 'lock.json');
    writeFileSync(file, '{"pid":');
    assert.deepEqual(new StackLock(file).acquire(), { kind: 'acquired', leftBehind: [] });
  });
});

describe('the state folder', () => {
  it('tells other commands where the stack listens, while it runs', async (t) => {
    const state = new StackState(temporaryFolder(t));
    state.create();
    assert.throws(() => state.readEndpoints(), /Nothing is running on .*npm start -- --state /);
    const endpoints = {
      pid: process.pid,
      storage: 's',
      eventHubs: 'e',
      hubs: ['sensor-data'],
      statusUrl: 'u',
    };
    state.writeEndpoints(endpoints);
    assert.deepEqual(state.readEndpoints(), endpoints);
    state.writeEndpoints({ ...endpoints, pid: await deadPid() });
    assert.throws(() => state.readEndpoints(), /Nothing is running/);
  });

  it('loses only what npm start keeps there when it is reset', (t) => {
    const folder = temporaryFolder(t);
    for (const name of ['azurite', 'event-hubs', 'logs', 'photos']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'azurite', 'blob'), 'x');
    const state = new StackState(folder);
    state.rememberPartitionCount(8);
    assert.equal(state.partitionCount, 8);
    assert.equal(state.existingState().length, 4);
    state.reset();
    assert.equal(state.partitionCount, undefined);
    assert.deepEqual(readdirSync(folder).sort(), ['logs', 'photos']);
  });
});

describe('ports', () => {
  it('asked for as 0 are free ones, all different', async () => {
    const wanted = Array.from({ length: 5 }, (_, index) => ({ purpose: 'x', option: `p${index}`, port: 0 }));
    const ports = await claimPorts(wanted);
    assert.equal(new Set(ports).size, 5);
    assert.ok(ports.every((port) => port > 0));
  });

  it('that are taken are all named, with the option that changes them', async (t) => {
    const servers = [createServer(), createServer()];
    t.after(() => {
      for (const server of servers) server.close();
    });
    const taken = await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve) => {
            server.listen(0, '127.0.0.1', () => {
              const address = server.address();
              resolve(typeof address === 'object' && address !== null ? address.port : 0);
            });
          }),
      ),
    );
    const wanted = [
      { purpose: 'blobs', option: 'blob-port', port: taken[0]! },
      { purpose: 'queues', option: 'queue-port', port: 0 },
      { purpose: 'the host', option: 'port', port: taken[1]! },
    ];
    await assert.rejects(claimPorts(wanted), (error: Error) => {
      assert.match(error.message, new RegExp(`Port ${taken[0]} for blobs is in use\\. .*--blob-port N`));
      assert.match(error.message, new RegExp(`Port ${taken[1]} for the host is in use\\. .*--port N`));
      assert.doesNotMatch(error.message, /queue-port/);
      return true;
    });
  });
});

describe('a rate', () => {
  it('is not known before there are two samples, and covers its window only', () => {
    const meter = new RateMeter(5000);
    assert.equal(meter.perSecond(), undefined);
    meter.add(0, 0);
    assert.equal(meter.perSecond(), undefined);
    meter.add(1000, 100);
    assert.equal(meter.perSecond(), 100);
    for (let second = 2; second <= 20; second++) meter.add(second * 1000, 100 + (second - 1) * 10);
    assert.equal(meter.perSecond(), 10);
  });

  it('is zero, not negative, when a counter starts again', () => {
    const meter = new RateMeter(5000);
    meter.add(0, 500);
    meter.add(1000, 0);
    assert.equal(meter.perSecond(), 0);
  });
});

describe('a line of the host', () => {
  const cases: readonly [line: string, notice: ReturnType<typeof noticeOf>][] = [
    ['2026-11-21T05:06:07.089Z warn Batch retried', { level: 'warning', text: 'Batch retried' }],
    ['[2026-11-21T05:06:07.089Z] error: Storage is gone', { level: 'error', text: 'Storage is gone' }],
    [
      '05:06:07.089 warn  Batch retried {"partition":"0"}',
      { level: 'warning', text: 'Batch retried {"partition":"0"}' },
    ],
    ['ERROR Storage is gone', { level: 'error', text: 'Storage is gone' }],
    ['2026-11-21T05:06:07.089Z info 3 errors were avoided', undefined],
    ['    at run (file.js:3:1)', undefined],
    ['Functions host is listening on http://127.0.0.1:7071', undefined],
  ];
  it('is a notice only when it has the level of one', () => {
    for (const [line, notice] of cases) assert.deepEqual(noticeOf(line), notice, line);
  });
});

describe('the summary of npm start', () => {
  const tally = {
    events: 65_012,
    bytes: 12_000_000,
    eventsByKind: {} as never,
    eventsByPartition: {},
    expectedReadings: 68_300,
    expectedQuarantined: 712,
    expectedRescued: 0,
    uncertainEvents: 0,
    lastError: undefined,
  };
  const summary: RunSummary = {
    elapsedMs: 65_000,
    tally,
    readings: { before: 1000, after: 69_300 },
    quarantined: { before: 0, after: 712 },
    waitingEvents: 0,
    stateFolder: '/home/me/tributary/.local',
    stateOption: '',
    readingsTable: 'readings',
  };

  it('says what happened, where it is kept, and how to go on', () => {
    assert.deepEqual(summaryLines(summary), [
      '',
      'Stopped after 00:01:05.',
      '  sent         65,012 events, which make 68,300 readings and 712 for quarantine',
      '  committed    68,300 rows (69,300 in the table)',
      '  quarantined  712 rows',
      '  waiting      no events: everything sent is in the tables',
      '  state        /home/me/tributary/.local',
      '',
      '  go on        npm start',
      '  look         npm start -- --no-simulate, then: npm run show -- readings',
      '  start afresh npm start -- --reset',
    ]);
  });

  it('is honest about what is not known or did not arrive', () => {
    const lines = summaryLines({
      ...summary,
      tally: { ...tally, uncertainEvents: 40 },
      readings: { before: undefined, after: 5 },
      quarantined: { before: 0, after: undefined },
      waitingEvents: 320,
      stateOption: ' --state /tmp/x',
    }).join('\n');
    assert.match(lines, /failed {7}40 events; the hub may have some of them/);
    assert.match(lines, /committed {4}5 rows in the table/);
    assert.match(lines, /quarantined {2}not known/);
    assert.match(lines, /waiting {6}320 events in the hub; the next start takes them in/);
    assert.match(lines, /go on {8}npm start -- --state \/tmp\/x\n/);
  });

  it('is preceded, without a simulator, by where to send', () => {
    const lines = whereToSendLines(
      { eventHubs: 'Endpoint=sb://localhost:1', storage: 'BlobEndpoint=http://x', statusUrl: 'http://y' },
      'sensor-data',
      '',
    );
    assert.ok(lines.includes('  Endpoint=sb://localhost:1'));
    assert.ok(lines.includes('  BlobEndpoint=http://x'));
    assert.ok(lines.includes('  npm run send -- readings.json'));
  });
});
