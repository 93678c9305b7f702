import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ManualClock } from '../../shared/base/index.js';
import { comparePaths, createMemoryStore } from '../../shared/storage/index.js';
import { describeStoreContract } from './contract.js';

describeStoreContract({
  name: 'memory',
  createStore: () => createMemoryStore(new ManualClock(0)),
  manyObjects: 5200,
});

it('dates objects by its clock', async () => {
  const clock = new ManualClock(1000);
  const store = createMemoryStore(clock);
  await store.put('a', new Uint8Array(1));
  clock.advance(500);
  await store.put('b', new Uint8Array(1));
  assert.equal((await store.head('a'))?.lastModifiedMs, 1000);
  assert.equal((await store.head('b'))?.lastModifiedMs, 1500);
});

it('orders paths by code point, as their UTF-8 bytes are ordered', () => {
  const paths = ['z', '\u{1f600}', '\uff5e', '\u00fc', 'a/b', 'a', 'a!', '', '\u{10ffff}'];
  const byBytes = [...paths].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
  assert.deepEqual([...paths].sort(comparePaths), byBytes);
  assert.notDeepEqual([...paths].sort(), byBytes);
});
