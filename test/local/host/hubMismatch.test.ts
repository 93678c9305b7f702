import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findHubMismatch, findReplacement } from '../../../local/host/hubMismatch.js';

const writtenMs = Date.parse('2026-01-31T12:00:10Z');
const checkpoint = {
  consumerGroup: '$Default',
  partitionId: '2',
  sequenceNumber: 812,
  modifiedMs: writtenMs,
};

function hub(createdMs: number, last: number) {
  return { eventHubName: 'sensor-data', createdMs, lastSequenceNumbers: new Map([['2', last]]) };
}

describe('checkpoints and their event hub', () => {
  it('belong together when the hub is older and at least as far', () => {
    assert.equal(findHubMismatch(hub(writtenMs - 60_000, 812), [checkpoint]), undefined);
    assert.equal(findHubMismatch(hub(writtenMs - 60_000, 9000), [checkpoint]), undefined);
    assert.equal(findHubMismatch(hub(writtenMs, 9000), []), undefined);
  });

  it('belong together when the hub was made in the second of the checkpoint, since storage keeps whole seconds', () => {
    assert.equal(findHubMismatch(hub(writtenMs + 999, 9000), [checkpoint]), undefined);
  });

  it('do not when the checkpoint is beyond the end: hub, partition, both numbers and the way out are named', () => {
    const error = findHubMismatch(hub(writtenMs - 60_000, 40), [checkpoint]);
    assert.equal(error?.code, 'LOCAL_STATE_MISMATCH');
    for (const part of ['"sensor-data"', 'partition 2', '"$Default"', '812', '40', '--reset-checkpoints']) {
      assert.ok(error.message.includes(part), `${part} is missing: ${error.message}`);
    }
  });

  it('do not when the hub is newer, even if it has more events by now', () => {
    const error = findHubMismatch(hub(writtenMs + 1_000, 9000), [checkpoint]);
    assert.equal(error?.code, 'LOCAL_STATE_MISMATCH');
    assert.match(error.message, /created at 2026-01-31T12:00:11\.000Z, after the checkpoint/);
  });

  it('do not when the hub is replaced while it is being read', () => {
    assert.equal(findReplacement('sensor-data', writtenMs, writtenMs), undefined);
    assert.equal(findReplacement('sensor-data', writtenMs, writtenMs + 5)?.code, 'LOCAL_STATE_MISMATCH');
  });
});
