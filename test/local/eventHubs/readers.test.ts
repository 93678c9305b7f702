// Who may read a partition, and which sends of an idempotent producer are stored.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProducerStates } from '../../../local/eventHubs/producerStates.js';
import { admitReader, maxSharedReaders, type ReaderClaim } from '../../../local/eventHubs/readerAdmission.js';

function reader(name: string, epoch?: number): ReaderClaim {
  return { name, epoch };
}

function outcome(existing: readonly ReaderClaim[], newcomer: ReaderClaim): string {
  const admission = admitReader(existing, newcomer);
  if (admission.kind === 'refuse') {
    assert.notEqual(admission.error.description, '');
    return `refuse ${admission.error.condition}`;
  }
  return [
    'admit',
    ...admission.displaced.map(({ reader: { name }, error }) => `${name} ${error.condition}`),
  ].join(', ');
}

describe('a new reader', () => {
  it('with an epoch displaces all readers without one', () => {
    assert.equal(
      outcome([reader('a'), reader('b')], reader('new', 0)),
      'admit, a amqp:link:stolen, b amqp:link:stolen',
    );
  });

  it('displaces an owner with a lower or the same epoch, and is refused below it', () => {
    assert.equal(outcome([reader('a', 4)], reader('new', 5)), 'admit, a amqp:link:stolen');
    assert.equal(outcome([reader('a', 5)], reader('new', 5)), 'admit, a amqp:link:stolen');
    assert.equal(outcome([reader('a', 6)], reader('new', 5)), 'refuse amqp:link:stolen');
  });

  it('without an epoch is refused beside an owner and beyond five others', () => {
    assert.equal(outcome([reader('a', 0)], reader('new')), 'refuse amqp:link:stolen');
    const shared = Array.from({ length: maxSharedReaders }, (_, index) => reader(String(index)));
    assert.equal(outcome(shared.slice(1), reader('new')), 'admit');
    assert.equal(outcome(shared, reader('new')), 'refuse amqp:resource-limit-exceeded');
  });
});

describe('the states of idempotent producers', () => {
  const batch = (firstSequence: number, epoch = 1) => ({
    id: 9,
    epoch,
    firstSequence,
    lastSequence: firstSequence + 1,
  });

  it('tell a repeated batch, a gap and an older epoch from the next batch', () => {
    const states = new ProducerStates();
    assert.deepEqual(states.judge(batch(50)), { kind: 'store' }, 'an unknown producer begins where it likes');
    states.set({ id: 9, epoch: 1, lastSequence: 10 });
    assert.deepEqual(states.judge(batch(11)), { kind: 'store' });
    assert.deepEqual(states.judge(batch(10)), { kind: 'duplicate' });
    assert.deepEqual(states.judge(batch(12)), { kind: 'outOfOrder', expectedSequence: 11 });
    assert.deepEqual(states.judge(batch(11, 0)), { kind: 'epochStolen', currentEpoch: 1 });
    assert.deepEqual(states.judge(batch(11, 2)), { kind: 'store' });
  });

  it('are kept for the thousand producers that were used last', () => {
    const states = new ProducerStates();
    for (let id = 0; id < 1_000; id++) states.set({ id, epoch: 0, lastSequence: 0 });
    states.set({ id: 0, epoch: 0, lastSequence: 1 });
    states.set({ id: 5_000, epoch: 0, lastSequence: 0 });
    assert.equal(states.all().length, 1_000);
    assert.equal(states.get(0)?.lastSequence, 1);
    assert.equal(states.get(1), undefined);
  });
});
