import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ManualClock } from '../../shared/base/index.js';
import { createMemoryLanding } from '../../shared/storage/index.js';
import { describeLandingContract } from './landingContract.js';

describeLandingContract({
  name: 'memory',
  createLanding: async () => {
    const landing = createMemoryLanding(new ManualClock(1_000));
    return { landing, send: async (path, bytes) => landing.put(path, bytes) };
  },
  manyFiles: 500,
});

it('dates files by its clock, or as told', async () => {
  const clock = new ManualClock(1_000);
  const landing = createMemoryLanding(clock);
  landing.put('now', new Uint8Array(1));
  landing.put('then', new Uint8Array(1), 5);
  assert.equal((await landing.head('now'))?.modifiedMs, 1_000);
  assert.equal((await landing.head('then'))?.modifiedMs, 5);
});
