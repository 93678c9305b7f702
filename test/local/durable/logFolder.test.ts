import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openLogFolder } from '../../../local/durable/logDisk.js';
import { encodeFrame } from '../../../local/durable/logFrames.js';
import { RecordLog } from '../../../local/durable/recordLog.js';

function temporaryFolder(t: { after(callback: () => unknown): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-hub-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function open(folder: string, compactAboveBytes?: number) {
  const records: string[] = [];
  const log = await RecordLog.open<string>({
    disk: await openLogFolder(folder),
    replay: (record) => records.push(record),
    snapshot: () => ['snapshot'],
    ...(compactAboveBytes === undefined ? {} : { compactAboveBytes }),
  });
  return { log, records };
}

describe('a log in a folder', () => {
  it('gives back its records, without a torn tail, and goes on behind the cut', async (t) => {
    const folder = temporaryFolder(t);
    const first = await open(folder);
    await Promise.all([first.log.append('a'), first.log.append('b')]);
    await first.log.close();
    appendFileSync(join(folder, 'hub-00000001.log'), encodeFrame('["torn"]').subarray(0, 11));
    const second = await open(folder);
    assert.deepEqual(second.records, ['a', 'b']);
    await second.log.append('c');
    await second.log.close();
    const third = await open(folder);
    assert.deepEqual(third.records, ['a', 'b', 'c']);
    await third.log.close();
  });

  it('holds one file after a compaction, and forgets one that was cut short', async (t) => {
    const folder = temporaryFolder(t);
    const first = await open(folder, 100);
    for (let record = 0; record < 20; record++) await first.log.append(`record ${record}`);
    await first.log.close();
    const [name = '', ...others] = readdirSync(folder);
    assert.deepEqual(others, []);
    assert.notEqual(name, 'hub-00000001.log');
    writeFileSync(join(folder, 'hub-00000099.log.tmp'), encodeFrame('["unfinished"]'));
    writeFileSync(join(folder, 'hub-00000001.log'), encodeFrame('["outdated"]'));
    const second = await open(folder);
    assert.equal(second.records[0], 'snapshot');
    assert.ok(!second.records.includes('outdated'));
    assert.deepEqual(readdirSync(folder), [name]);
    await second.log.close();
  });
});
