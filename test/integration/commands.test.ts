// The commands as a user runs them: processes, arguments, output, exit codes.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { StackState } from '../../local/stack/stackState.js';
import { until } from '../support/waiting.js';

const commands = join(import.meta.dirname, '..', '..', 'local');
const root = join(import.meta.dirname, '..', '..', '..');
const freePorts = ['--blob-port', '--queue-port', '--table-port', '--event-hubs-port', '--port'].flatMap(
  (option) => [option, '0'],
);

interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function launch(command: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--enable-source-maps', join(commands, `${command}.js`), ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
    // Without the variables of an npm that may be running this test.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR },
  });
}

async function run(t: TestContext, command: string, args: readonly string[], input = ''): Promise<Finished> {
  const child = launch(command, args);
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => (stdout += chunk));
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  child.stdin?.end(input);
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { exitCode, stdout, stderr };
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-commands-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `npm start` in the background. */
class RunningStart {
  readonly lines: string[] = [];
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();

  constructor(t: TestContext, args: readonly string[]) {
    this.#child = launch('start', args);
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
    t.after(async () => {
      this.signal('SIGTERM');
      await this.ended;
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        for (const check of this.#waiting) check();
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async line(pattern: RegExp): Promise<string> {
    const found = await new Promise<string | undefined>((resolve) => {
      const check = () => {
        const line = this.lines.find((candidate) => pattern.test(candidate));
        if (line === undefined) return;
        this.#waiting.delete(check);
        resolve(line);
      };
      this.#waiting.add(check);
      check();
      void this.ended.then(() => resolve(undefined));
    });
    assert.ok(found !== undefined, `no line like ${pattern} in:\n${this.lines.join('\n')}`);
    return found;
  }
}

interface ListedTable {
  readonly name: string;
  readonly rows: number;
}

describe('every command', () => {
  for (const command of ['start', 'send', 'subscribe', 'tables', 'show', 'load', 'files']) {
    it(`explains itself: ${command} --help`, async (t) => {
      const { exitCode, stdout } = await run(t, command, ['--help']);
      assert.equal(exitCode, 0);
      assert.match(stdout, /Usage: npm (start|run)/);
      assert.match(stdout, /Examples:/);
    });
  }

  it('refuses what it does not know with exit code 2 and the option that was meant', async (t) => {
    const { exitCode, stdout, stderr } = await run(t, 'start', ['--device', '5']);
    assert.equal(exitCode, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /There is no option --device\. Did you mean --devices\?\n.*npm start -- --help/);
  });

  it('says how to start the stack when nothing is running', async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'readings.json');
    writeFileSync(file, '{"deviceId":"device_1"}');
    for (const [command, args] of [
      ['send', [file]],
      ['tables', []],
      ['show', ['readings']],
      ['load', ['landed']],
      ['files', ['landed']],
    ] as const) {
      const { exitCode, stderr } = await run(t, command, [...args, '--state', join(folder, 'state')]);
      assert.equal(exitCode, 1, command);
      assert.match(stderr, /Nothing is running on .*npm start -- --state .*LOCAL_NOT_RUNNING/, command);
      assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
    }
  });

  it('names a taken port and the option that changes it', async (t) => {
    const server = createServer();
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const args = [...freePorts, '--queue-port', String(address.port), '--state', temporaryFolder(t)];
    const { exitCode, stderr } = await run(t, 'start', args);
    assert.equal(exitCode, 1);
    assert.match(stderr, new RegExp(`Port ${address.port} for queues .*--queue-port N`));
  });
});

describe('a running stack', () => {
  it('takes what is sent, shows it, refuses a second one, and goes on after a kill', async (t) => {
    const state = join(temporaryFolder(t), 'state');
    const startArgs = [...freePorts, '--state', state, '--no-simulate', '--plain'];
    const first = new RunningStart(t, startArgs);
    await first.line(/Event hub "sensor-data"/);

    const rival = await run(t, 'start', startArgs);
    assert.equal(rival.exitCode, 1);
    assert.match(rival.stderr, /Another npm start \(process \d+\) is running on/);

    const readings = Array.from({ length: 300 }, (_, index) =>
      JSON.stringify({
        deviceId: `device_${index % 9}`,
        ts: '2025-10-06T10:00:00.123Z',
        temperature: index / 10,
      }),
    );
    const sent = await run(t, 'send', ['--state', state, '-'], [...readings, 'not json', ''].join('\n'));
    assert.equal(sent.exitCode, 1, sent.stderr);
    assert.match(sent.stderr, /^standard input:301: is not JSON/);
    assert.match(sent.stdout, /Sent 300 readings in 300 events/);
    await first.line(/committed 300 rows .*lag 0/);

    const listed = await run(t, 'tables', ['--state', state, '--json']);
    const tables = JSON.parse(listed.stdout) as ListedTable[];
    assert.deepEqual(
      tables.map(({ name, rows }) => [name, rows]),
      [
        ['readings', 300],
        ['quarantine', 0],
        ['device_windows', 0],
        ['device_alerts', 0],
        ['late_readings', 0],
      ],
    );

    const shown = await run(t, 'show', ['readings', '--state', state, '--json', '--limit', '1000']);
    const rows = shown.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { temperature: number; event_time: string });
    assert.deepEqual(
      rows.map(({ temperature }) => temperature).sort((a, b) => a - b),
      readings.map((_, index) => index / 10),
    );
    assert.ok(rows.every((row) => row.event_time === '2025-10-06T10:00:00.123Z'));

    const unknown = await run(t, 'show', ['reading', '--state', state]);
    assert.equal(unknown.exitCode, 1);
    assert.match(unknown.stderr, /Did you mean readings\? There are: readings, quarantine, /);

    first.signal('SIGKILL');
    await first.ended;
    const second = new RunningStart(t, startArgs);
    await second.line(/committed 300 rows .*lag 0/);
    second.signal('SIGINT');
    assert.equal(await second.ended, 0);
    await second.line(/Stopped after/);
  });

  it('loads files that landed, and says what became of them', async (t) => {
    const state = join(temporaryFolder(t), 'state');
    const start = new RunningStart(t, [...freePorts, '--state', state, '--no-simulate', '--plain']);
    await start.line(/Event hub "sensor-data"/);
    const { storage } = new StackState(state).readEndpoints();
    const landing = BlobServiceClient.fromConnectionString(storage).getContainerClient('input-files');
    for (const [name, text] of [
      ['good.json', '[{"deviceId":"a"},{"deviceId":"b"}]'],
      ['bad.json', 'not json'],
    ] as const) {
      await landing.getBlockBlobClient(name).upload(text, text.length);
    }
    const loaded = await run(t, 'load', ['landed', '--state', state]);
    assert.equal(loaded.exitCode, 0, loaded.stderr);
    assert.match(loaded.stdout, /^2 files in input-files, [0-2] of them new\./);
    const listed = await run(t, 'files', ['landed', '--state', state, '--json']);
    const { known, outstanding, files } = JSON.parse(listed.stdout) as {
      known: number;
      outstanding: unknown;
      files: { path: string; state: string; rowCount: number }[];
    };
    assert.deepEqual({ known, outstanding }, { known: 2, outstanding: { files: 0, bytes: 0 } });
    const states = files.map(({ path, state: what, rowCount }) => `${path} ${what} ${rowCount}`).sort();
    assert.deepEqual(states, ['bad.json committed 0', 'good.json committed 2']);
    const shown = await run(t, 'files', ['landed', '--state', state]);
    assert.match(shown.stdout, /good\.json +committed/);
    assert.match(shown.stdout, /2 files known, 0 of them wait/);
    const rows = await run(t, 'show', ['landed', '--state', state, '--json']);
    assert.equal(rows.stdout.trim().split('\n').length, 2, rows.stderr);
    const unknown = await run(t, 'load', ['landing', '--state', state]);
    assert.equal(unknown.exitCode, 1);
    assert.match(unknown.stderr, /There is no stream of files called "landing"\. There are: landed\./);
    start.signal('SIGINT');
    assert.equal(await start.ended, 0);
  });

  it('commits exactly what the simulator says it has sent', async (t) => {
    const state = join(temporaryFolder(t), 'state');
    const shares = ['--malformed', '0.05', '--duplicates', '0.05', '--nested', '0.3', '--clock-skew', '0.1'];
    const args = [...freePorts, ...shares, '--state', state, '--plain', '--rate', '500', '--duration', '3s'];
    const { exitCode, stdout, stderr } = await run(t, 'start', args);
    assert.equal(exitCode, 0, stderr);
    const sent = /sent +([\d,]+) events, which make ([\d,]+) readings and ([\d,]+) for quarantine/.exec(
      stdout,
    );
    assert.ok(sent !== null, stdout);
    const [, events, readings, quarantined] = sent;
    assert.equal(events, '1,500');
    assert.match(stdout, new RegExp(`committed +${readings} rows\n`));
    assert.match(stdout, new RegExp(`quarantined +${quarantined} rows\n`));
    assert.match(stdout, /waiting +no events/);
  });

  it('has its first rows in the table soon', async (t) => {
    const startMs = performance.now();
    const state = join(temporaryFolder(t), 'state');
    const start = new RunningStart(t, [...freePorts, '--state', state, '--plain']);
    const [, url = ''] = /Functions host +(http\S+)/.exec(await start.line(/ready +Functions host/)) ?? [];
    const rows = async (): Promise<number> => {
      const response = await fetch(`${url}/api/status`);
      const { tables } = (await response.json()) as { tables: ListedTable[] };
      return tables.find(({ name }) => name === 'readings')?.rows ?? 0;
    };
    await until(
      async () => (await rows()) > 0,
      () => start.lines.join('\n'),
    );
    t.diagnostic(`first rows after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    start.signal('SIGINT');
    await start.ended;
  });
});
