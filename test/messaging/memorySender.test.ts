// The event sender in memory.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createMemorySender } from '../../shared/messaging/index.js';
import { describeSenderContract, event } from './contract.js';

describeSenderContract({
  name: 'memory',
  open: () => {
    const sender = createMemorySender();
    return { sender, taken: async () => sender.sent };
  },
});

it('fails as often as it is told to', async () => {
  const sender = createMemorySender();
  sender.failNext(new Error('first'), new Error('second'));
  await sender.send([]);
  await assert.rejects(sender.send([event('a', '1')]), /first/);
  await assert.rejects(sender.send([event('a', '1')]), /second/);
  await sender.send([event('a', '1')]);
  assert.equal(sender.sent.length, 1);
});
