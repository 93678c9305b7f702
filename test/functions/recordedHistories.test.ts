// Histories that an earlier version of the app left in a Durable backend: after a deployment they must be taken up where they are.
// Recorded with: RECORD_HISTORIES=yes npm run test:integration -- orchestrationHistories
// Where an orchestration changes its steps, the older ones are kept: `publishShards-told` is from since a second seal tells a batch.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import {
  loadOrchestrators,
  type RecordedOrchestration,
  replayRecorded,
} from '../support/recordedOrchestrations.js';

const root = join(import.meta.dirname, '..', '..', '..');
const folder = join(root, 'test', 'golden', 'histories');
const files = readdirSync(folder);

describe('orchestrators', () => {
  let orchestrators: Awaited<ReturnType<typeof loadOrchestrators>>;
  before(async () => {
    orchestrators = await loadOrchestrators(root);
  });

  it('all have recorded histories', () => {
    const recorded = new Set(files.map((file) => file.split(/[-.]/)[0]));
    assert.deepEqual([...recorded].sort(), [...orchestrators.keys()].sort());
  });

  for (const file of files) {
    it(`go on with ${file}`, async () => {
      const recorded = JSON.parse(readFileSync(join(folder, file), 'utf8')) as RecordedOrchestration;
      assert.ok((await replayRecorded(orchestrators.get(recorded.name)!, recorded)) > 0);
    });
  }
});
