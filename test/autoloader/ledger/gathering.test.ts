// A swarm of files becomes few batches, a trickle is not held up, and one file waits for a moment only.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BatchLimits, FileLedger, type PlanResult } from '../../../shared/autoloader/ledger/index.js';
import { ManualClock, seededRandom } from '../../../shared/base/index.js';
import { createMemoryLedger } from '../../../shared/storage/index.js';

const gathering = { quietMs: 2_000, swarmFiles: 100, swarmQuietMs: 10_000, longestMs: 60_000 };
const limits = { maxFiles: 1_000, maxBytes: 1e6, gathering };

class Landing {
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly ledger = new FileLedger({
    ledger: createMemoryLedger(),
    stream: 'files',
    allowOverwrites: false,
    clock: this.clock,
  });
  committed = -1;
  #count = 0;

  constructor(readonly batchLimits: BatchLimits = limits) {}

  async land(count = 1, sizeBytes = 10): Promise<void> {
    const files = Array.from({ length: count }, () => ({
      ...{ path: `${this.#count++}.json`, etag: 'e', sizeBytes, modifiedMs: this.clock.nowMs() },
    }));
    await this.ledger.discover(files);
  }

  plan(): Promise<PlanResult> {
    return this.ledger.plan(this.committed, this.batchLimits);
  }

  /** @returns how many files it had */
  async load(): Promise<number> {
    const result = await this.plan();
    assert.ok(result.kind === 'batch', result.kind);
    const { batch, files } = result.plan;
    const outcome = { kind: 'loaded', rowCount: 1, badCount: 0 } as const;
    await this.ledger.finish({ batch, version: batch, files: files.map((file) => ({ file, outcome })) });
    this.committed = batch;
    return files.length;
  }
}

describe('gathering', () => {
  it('lets one file wait until no other one has come for two seconds', async () => {
    const landing = new Landing();
    await landing.land();
    assert.deepEqual(await landing.plan(), { kind: 'gathering', waitMs: 2_000 });
    landing.clock.advance(1_500);
    assert.deepEqual(await landing.plan(), { kind: 'gathering', waitMs: 500 });
    await landing.land();
    landing.clock.advance(500);
    assert.deepEqual(await landing.plan(), { kind: 'gathering', waitMs: 1_500 });
    landing.clock.advance(1_500);
    assert.equal(await landing.load(), 2);
    assert.deepEqual(await landing.plan(), { kind: 'idle' });
  });

  it('lets a swarm pause for longer', async () => {
    const landing = new Landing();
    await landing.land(100);
    landing.clock.advance(2_000);
    assert.deepEqual(await landing.plan(), { kind: 'gathering', waitMs: 8_000 });
    landing.clock.advance(8_000);
    assert.equal(await landing.load(), 100);
  });

  it('ends at once when a batch is full, by files or by bytes', async () => {
    const landing = new Landing();
    await landing.land(1_000);
    assert.equal(await landing.load(), 1_000);
    await landing.land(3, 400_000);
    assert.equal(await landing.load(), 3);
  });

  it('does not hold a trickle up for more than a minute', async () => {
    const landing = new Landing();
    let waitedMs = 0;
    for (await landing.land(); (await landing.plan()).kind === 'gathering'; await landing.land()) {
      landing.clock.advance(1_000);
      waitedMs += 1_000;
    }
    assert.equal(waitedMs, 60_000);
    assert.equal(await landing.load(), 61);
  });

  it('does not wait for a clock that is ahead', async () => {
    const landing = new Landing();
    landing.clock.advance(3_600_000);
    await landing.land();
    landing.clock.advance(-3_600_000);
    assert.equal(await landing.load(), 1);
  });

  it('goes on with a batch that is planned, whatever comes', async () => {
    const landing = new Landing();
    await landing.land();
    landing.clock.advance(2_000);
    assert.equal((await landing.plan()).kind, 'batch');
    await landing.land();
    assert.equal(await landing.load(), 1);
  });

  it('makes few batches of many files, whether they come slowly, with pauses, or all at once', async () => {
    for (const { filesPerSecond, pauses } of [
      { filesPerSecond: 4, pauses: 0 },
      { filesPerSecond: 60, pauses: 0.1 },
      { filesPerSecond: 1_000, pauses: 0.5 },
    ]) {
      const random = seededRandom(filesPerSecond);
      const landing = new Landing({ ...limits, maxFiles: 200 });
      const isOver = async (sent: number) =>
        sent >= 2_000 && (await landing.ledger.outstanding()).fileCount === 0;
      let batches = 0;
      for (let sent = 0; !(await isOver(sent)); ) {
        const count = Math.min(2_000 - sent, Math.ceil(2 * filesPerSecond * random.next()));
        await landing.land(count);
        sent += count;
        landing.clock.advance(random.next() < pauses ? 9_000 : 1_000);
        if ((await landing.plan()).kind !== 'batch') continue;
        await landing.load();
        batches++;
      }
      assert.ok(batches <= 20, `${filesPerSecond} files a second: ${batches} batches`);
    }
  });
});
