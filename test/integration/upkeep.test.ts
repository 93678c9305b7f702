// The upkeep commands against a real blob service: files are packed, vacuumed and brought back while the rows stay.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { StackState } from '../../local/stack/stackState.js';
import { createApp } from '../../shared/app.js';
import { silentLogger } from '../../shared/base/index.js';
import { queryTable } from '../support/duckdb.js';
import { cutEvents, simulatedEvents } from '../support/simulatedBatch.js';
import { startTestAzurite } from '../support/testAzurite.js';
import { patienceMs } from '../support/waiting.js';

const compiled = join(import.meta.dirname, '..', '..', 'local');

interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runCommand(name: string, args: readonly string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, ['--enable-source-maps', join(compiled, `${name}.js`), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: patienceMs,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

describe('the upkeep commands', () => {
  it('pack, vacuum, tell and restore a table on the storage service', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-upkeep-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const azurite = await startTestAzurite(t);
    const state = new StackState(folder);
    state.create();
    state.writeEndpoints({
      pid: process.pid,
      storage: azurite.connectionString,
      eventHubs: '',
      hubs: [],
      statusUrl: '',
    });
    const app = await createApp({ LakeStorage: azurite.connectionString }, silentLogger);
    const events = simulatedEvents('sensor-data', '0', 1200, 7);
    for (let from = 0; from < 1200; from += 100)
      await app.ingestor.ingest(cutEvents(events, from, from + 100));
    const contents = async () => {
      const { store, snapshot } = await app.loadTable('readings');
      const [row] = await queryTable(
        store,
        snapshot,
        'select count(*)::double as "rows", count(distinct _sequence_number)::double as events, sum(hash(device_id, event_time))::varchar as digest from {files}',
      );
      return row;
    };
    const run = async (name: string, ...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runCommand(name, [...args, '--state', folder]);
      assert.equal(code, 0, `${name}: ${stderr}${stdout}`);
      return stdout;
    };
    const before = await contents();
    const { snapshot: unpacked } = await app.loadTable('readings');
    assert.equal(unpacked.files.size, 12);

    assert.match(await run('optimize', 'readings'), /12 files .* became 1 .* with the same 1,\d{3} rows/);
    assert.deepEqual(await contents(), before);
    assert.match(await run('optimize', 'readings'), /Nothing to do/);
    const { snapshot: packed } = await app.loadTable('readings');
    assert.equal(packed.files.size, 1);

    assert.match(await run('vacuum', 'readings'), /Nothing to do/);
    const refused = await runCommand('vacuum', ['readings', '--retention', '0s', '--state', folder]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /shorter than the 168 hours .* --allow-short-retention/);

    const shown = async (...args: string[]) =>
      (await run('show', 'readings', '--json', '--limit', '5000', ...args)).trim().split('\n').length;
    assert.equal(await shown(), before?.rows);
    assert.ok((await shown('--as-of', '1')) < 110, 'one append only');
    assert.equal(await shown('--as-of', '2999-01-31T12:00:00Z'), before?.rows);
    const early = await runCommand('show', ['readings', '--as-of', '2020-01-31', '--state', folder]);
    assert.match(
      early.stderr,
      /no version that is as old as 2020-01-31T00:00:00.000Z.*DELTA_VERSION_NOT_FOUND/,
    );
    const vague = await runCommand('restore', ['readings', '--to', 'yesterday', '--state', folder]);
    assert.match(vague.stderr, /--to takes a version such as 12, or a time such as .*not "yesterday"/);

    assert.match(
      await run('restore', 'readings', '--to', String(unpacked.version)),
      /12 files came back, 1 went/,
    );
    assert.deepEqual(await contents(), before);
    assert.match(await run('optimize', 'readings', '--sort', 'event_time', '--json'), /"kind": "optimized"/);
    const short = ['--retention', '0s', '--allow-short-retention'];
    const plan = JSON.parse(await run('vacuum', 'readings', '--dry-run', '--json', ...short)) as {
      paths: string[];
    };
    assert.equal(plan.paths.length, 13);
    assert.match(await run('vacuum', 'readings', ...short), /13 files of readings with .* deleted/);
    assert.deepEqual(await contents(), before);
    const impossible = await runCommand('restore', ['readings', '--to', '3', '--state', folder]);
    assert.match(impossible.stderr, /3 of its data files are gone/);

    const history = JSON.parse(await run('history', 'readings', '--json')) as { operation: string }[];
    assert.deepEqual(
      history.slice(0, 5).map(({ operation }) => operation),
      ['VACUUM END', 'VACUUM START', 'OPTIMIZE', 'RESTORE', 'OPTIMIZE'],
    );
    assert.match(await run('history', 'readings'), /output rows \d/);
    const description = JSON.parse(await run('describe', 'readings', '--json')) as Record<string, unknown>;
    assert.deepEqual([description.rows, description.files], [before?.rows, 1]);
    assert.match(await run('describe', 'readings'), /device_id +string/);
    const condition = ['readings', '--where', 'event_time IS NOT NULL AND _sequence_number >= 0'];
    assert.match(
      await run('delete', ...condition),
      /1,\d{3} rows of readings would be deleted\.\n1 file would go, 0 .*\n1 of 1 file looked at.*\nNothing was changed\. Add --yes/,
    );
    const planned = JSON.parse(await run('delete', ...condition, '--dry-run', '--yes', '--json')) as {
      deletedRowCount: number;
    };
    assert.equal(planned.deletedRowCount, before?.rows);
    assert.deepEqual(await contents(), before);
    const wrong = await runCommand('delete', ['readings', '--where', 'devic = 1', '--state', folder]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /at character 1: there is no column "devic"; .*\n {2}devic = 1\n {2}\^/);
    assert.match(
      await run('delete', ...condition, '--yes'),
      /1,\d{3} rows of readings deleted, as version \d+/,
    );
    assert.equal((await app.loadTable('readings')).snapshot.files.size, 0);

    const unknown = await runCommand('history', ['reading', '--state', folder]);
    assert.match(unknown.stderr, /Did you mean readings\?/);
  });
});
