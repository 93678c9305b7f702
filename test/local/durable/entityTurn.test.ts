import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changesOfEntityTurn, entityPayload, takeRequests } from '../../../local/durable/entityTurn.js';
import { applyChange } from '../../../local/durable/hubChanges.js';
import {
  type EntityRequest,
  type Execution,
  emptyHub,
  type HubState,
} from '../../../local/durable/hubState.js';

const id = '@counter@k';
const [ann, bob] = ['ann', 'bob'].map((instanceId) => ({ instanceId, executionId: 'e' })) as [
  Execution,
  Execution,
];

function operation(name: string, sender: Execution | null = null, isSignal = sender === null): EntityRequest {
  return { kind: 'operation', name, input: '1', isSignal, requestId: `r-${name}`, sender };
}

function lock(sender: Execution, entityIds: readonly string[] = [id], position = 0): EntityRequest {
  return { kind: 'lock', requestId: `lock-${sender.instanceId}`, entityIds, position, sender };
}

function release(sender: Execution): EntityRequest {
  return { kind: 'release', requestId: `lock-${sender.instanceId}`, sender };
}

function hubWith(...requests: readonly EntityRequest[]): HubState {
  const hub = emptyHub();
  for (const request of requests) applyChange(hub, { kind: 'requestSent', entityId: id, request });
  return hub;
}

interface TurnOptions {
  readonly maxOperationCount?: number;
  readonly dead?: Execution;
}

/** Runs one turn with an entity that does nothing. @returns the operations it was given and what was sent */
function turn(hub: HubState, { maxOperationCount = 100, dead }: TurnOptions = {}) {
  const entity = hub.entities.get(id);
  const intake =
    entity &&
    takeRequests(entity, {
      maxOperationCount,
      nowMs: 0,
      isCurrent: (owner) => owner.instanceId !== dead?.instanceId,
    });
  if (entity === undefined || intake === undefined) return undefined;
  const results = intake.operations.map(({ name }) => ({ isError: false, result: JSON.stringify(name) }));
  const answer = { entityExists: true, entityState: '{}', results, signals: [] };
  const changes = changesOfEntityTurn(entity, intake, answer, { nowMs: 0, newId: () => 'new' });
  for (const change of changes) applyChange(hub, change);
  return {
    operations: intake.operations.map(({ name }) => name),
    sent: changes.flatMap((change) =>
      change.kind === 'eventSent'
        ? [`${change.instanceId} ${change.event.Name} ${change.event.Input}`]
        : change.kind === 'requestSent'
          ? [`${change.entityId} ${change.request.kind}`]
          : [],
    ),
    owner: intake.lock?.owner.instanceId,
  };
}

describe('a batch', () => {
  it('holds the waiting operations in order, and answers those that were called', () => {
    const hub = hubWith(operation('a'), operation('b', ann), operation('c', bob, true));
    assert.deepEqual(turn(hub), {
      operations: ['a', 'b', 'c'],
      sent: ['ann r-b {"result":"\\"b\\""}'],
      owner: undefined,
    });
    assert.equal(turn(hub), undefined);
  });

  it('has a limit, and the rest comes next', () => {
    const hub = hubWith(operation('a'), operation('b'), operation('c'));
    assert.deepEqual(turn(hub, { maxOperationCount: 2 })?.operations, ['a', 'b']);
    applyChange(hub, { kind: 'requestSent', entityId: id, request: operation('d') });
    assert.deepEqual(turn(hub, { maxOperationCount: 2 })?.operations, ['c', 'd']);
  });

  it('is sent to the function as the real host sends it', () => {
    const hub = hubWith(operation('a'));
    const entity = hub.entities.get(id)!;
    const { operations } = takeRequests(entity, { maxOperationCount: 9, nowMs: 0, isCurrent: () => true })!;
    assert.deepEqual(JSON.parse(entityPayload(entity, operations)), {
      self: { name: 'counter', key: 'k' },
      exists: false,
      state: null,
      batch: [{ name: 'a', input: '1', isSignal: true }],
    });
  });

  it('answers errors as errors, and what the function did not answer with nothing', () => {
    const hub = hubWith(operation('a', ann), operation('b', ann));
    const entity = hub.entities.get(id)!;
    const intake = takeRequests(entity, { maxOperationCount: 9, nowMs: 0, isCurrent: () => true })!;
    const answer = {
      entityExists: true,
      results: [{ isError: true, result: '"refused"' }, { isError: false }],
      signals: [{ target: { name: 'Other', key: 'K' }, name: 'ping', input: '5' }],
    };
    const changes = changesOfEntityTurn(entity, intake, answer, { nowMs: 0, newId: () => 'new' });
    assert.deepEqual(
      changes.flatMap((change) => (change.kind === 'eventSent' ? [change.event.Input] : [])),
      ['{"result":"\\"refused\\"","exceptionType":"Error"}', '{"result":null}'],
    );
    const signal = changes.find((change) => change.kind === 'requestSent');
    assert.equal(signal?.entityId, '@other@K', 'the name of a signalled entity is put in lower case');
  });

  it('that deletes the entity leaves nothing behind', () => {
    const hub = hubWith(operation('delete'));
    const entity = hub.entities.get(id)!;
    const intake = takeRequests(entity, { maxOperationCount: 9, nowMs: 0, isCurrent: () => true })!;
    const answer = { entityExists: false, results: [{}], signals: [] };
    for (const change of changesOfEntityTurn(entity, intake, answer, { nowMs: 0, newId: () => '' })) {
      applyChange(hub, change);
    }
    assert.equal(hub.entities.size, 0);
  });
});

describe('a lock', () => {
  it('lets only its owner in until it is released', () => {
    const hub = hubWith(lock(ann), operation('signal'), operation('bob', bob), operation('ann', ann));
    assert.deepEqual(turn(hub), {
      operations: ['ann'],
      sent: [
        'ann r-ann {"result":"\\"ann\\""}',
        'ann lock-ann {"result":"\\"Lock Acquisition Completed\\""}',
      ],
      owner: 'ann',
    });
    assert.equal(turn(hub), undefined);
    applyChange(hub, { kind: 'requestSent', entityId: id, request: operation('later') });
    applyChange(hub, { kind: 'requestSent', entityId: id, request: release(ann) });
    assert.deepEqual(turn(hub)?.operations, []);
    assert.deepEqual(turn(hub)?.operations, ['signal', 'bob', 'later']);
  });

  it('is given in the order it was asked for', () => {
    const hub = hubWith(lock(ann), lock(bob), operation('x'));
    assert.equal(turn(hub)?.owner, 'ann');
    applyChange(hub, { kind: 'requestSent', entityId: id, request: release(ann) });
    assert.equal(turn(hub)?.owner, undefined);
    assert.deepEqual([turn(hub)?.owner, turn(hub)], ['bob', undefined]);
  });

  it('goes on to the next entity of its set, and is granted by the last', () => {
    const first = hubWith(lock(ann, [id, '@z@2'], 0));
    assert.deepEqual(turn(first)?.sent, ['@z@2 lock']);
    const last = hubWith(lock(ann, ['@a@1', id], 1));
    assert.deepEqual(turn(last)?.sent, ['ann lock-ann {"result":"\\"Lock Acquisition Completed\\""}']);
  });

  it('is not given to an orchestration that has ended', () => {
    const hub = hubWith(lock(ann), operation('x'));
    assert.deepEqual(turn(hub, { dead: ann }), { operations: ['x'], sent: [], owner: undefined });
  });

  it('that nobody holds may be released', () => {
    const hub = hubWith(release(ann), operation('x'));
    assert.deepEqual(turn(hub)?.operations, ['x']);
  });
});
