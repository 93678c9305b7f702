import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DueList } from '../../../local/durable/dueList.js';
import {
  instanceIdProblem,
  keyProblem,
  parseSchedulerId,
  schedulerIdOf,
} from '../../../local/durable/entityIds.js';
import { FaultSwitches, parseFaults } from '../../../local/durable/faults.js';
import { historyEvent } from '../../../local/durable/historyEvents.js';
import { applyChange, snapshotOf } from '../../../local/durable/hubChanges.js';
import { type Change, emptyHub, type HubState, type Instance } from '../../../local/durable/hubState.js';
import { takeFromInbox } from '../../../local/durable/inbox.js';
import { isPurgeable, parseStatuses, statusOf } from '../../../local/durable/instanceQuery.js';
import { KeyedQueue } from '../../../local/durable/keyedQueue.js';
import { readAnswer, readFailure } from '../../../local/durable/orchestratorProtocol.js';
import { repeatedActionProblem } from '../../../local/durable/repeatedActions.js';
import { seededRandom } from '../../../shared/base/index.js';

const seed = {
  instanceId: 'i',
  executionId: 'e1',
  name: 'orch',
  version: null,
  input: '{"a":1}',
  parent: null,
  createdMs: 1_767_225_600_999,
};

function hubWith(...changes: readonly Change[]): HubState {
  const hub = emptyHub();
  for (const change of [{ kind: 'instanceStarted', seed } as const, ...changes]) applyChange(hub, change);
  return hub;
}

function raised(name: string, executionId: string | null = null): Change {
  return {
    kind: 'eventSent',
    instanceId: 'i',
    executionId,
    event: historyEvent('eventRaised', 0, { Name: name }),
  };
}

function control(type: 'executionSuspended' | 'executionResumed' | 'executionTerminated'): Change {
  return { kind: 'eventSent', instanceId: 'i', executionId: null, event: historyEvent(type, 0) };
}

/** A turn that takes what the inbox offers. */
function turn(hub: HubState, status: Instance['status'] = 'Running'): string[] {
  const instance = hub.instances.get('i')!;
  const intake = takeFromInbox(instance);
  if (intake.kind === 'nothing') return [];
  const events = intake.kind === 'control' ? [intake.event] : intake.events;
  const { book, instanceId } = instance;
  const { consumed } = intake;
  applyChange(hub, {
    kind: 'instanceTurn',
    instanceId,
    consumed,
    events,
    book,
    status,
    output: null,
    atMs: 1,
  });
  return events.map(({ Name, EventType }) => Name ?? String(EventType));
}

describe('an inbox', () => {
  it('begins with the start and keeps its order', () => {
    const hub = hubWith(raised('a'), raised('b'));
    assert.deepEqual(turn(hub), ['orch', 'a', 'b']);
    assert.deepEqual(turn(hub), []);
  });

  it('takes nothing for an execution that has been replaced', () => {
    const hub = hubWith(raised('late', 'e0'), raised('good', 'e1'));
    assert.deepEqual(turn(hub), ['orch', 'good']);
  });

  it('gives control events a turn of their own, in their place', () => {
    const hub = hubWith(raised('a'), control('executionSuspended'), raised('b'));
    assert.deepEqual(turn(hub), ['orch', 'a']);
    assert.deepEqual(turn(hub, 'Suspended'), ['19']);
    assert.deepEqual(turn(hub, 'Suspended'), []);
    applyChange(hub, control('executionResumed'));
    applyChange(hub, raised('c'));
    assert.deepEqual(turn(hub, 'Running'), ['20']);
    assert.deepEqual(turn(hub), ['b', 'c']);
  });

  it('lets a suspended instance be terminated', () => {
    const hub = hubWith(control('executionSuspended'), raised('a'), control('executionTerminated'));
    turn(hub);
    turn(hub, 'Suspended');
    assert.deepEqual(turn(hub, 'Terminated'), ['3']);
  });

  it('takes nothing any more once the instance has ended', () => {
    const hub = hubWith();
    turn(hub, 'Completed');
    applyChange(hub, raised('late'));
    assert.equal(hub.instances.get('i')?.inbox.length, 0);
  });

  it('puts the new start before what arrived while the instance continued as new', () => {
    const hub = hubWith();
    turn(hub);
    applyChange(hub, raised('used'));
    const intake = takeFromInbox(hub.instances.get('i')!);
    assert.ok(intake.kind === 'events');
    applyChange(hub, raised('meanwhile'));
    applyChange(hub, raised('old', 'e1'));
    const { consumed } = intake;
    applyChange(hub, {
      kind: 'instanceContinued',
      instanceId: 'i',
      consumed,
      executionId: 'e2',
      input: '2',
      atMs: 5,
    });
    assert.deepEqual(turn(hub), ['orch', 'meanwhile']);
    const { input, history } = hub.instances.get('i')!;
    assert.deepEqual([input, history[0]?.Input], ['2', '2']);
  });
});

describe('a snapshot', () => {
  it('leads to the same state, and on from there', () => {
    const request = {
      kind: 'operation',
      name: 'add',
      input: '1',
      isSignal: true,
      requestId: 'r',
      sender: null,
    } as const;
    const hub = hubWith(
      raised('a'),
      { kind: 'requestSent', entityId: '@counter@K/1', request },
      { kind: 'activityScheduled', activity: { ...seed, taskId: 4, name: 'act', input: null } },
      {
        kind: 'timerSet',
        timer: { key: 't', dueMs: 9, target: { kind: 'request', entityId: '@a@b', request } },
      },
    );
    turn(hub);
    const copy = emptyHub();
    const changes = JSON.parse(JSON.stringify([...snapshotOf(hub)])) as Change[];
    for (const change of changes) applyChange(copy, change);
    assert.deepEqual(JSON.parse(JSON.stringify([...snapshotOf(copy)])), changes);
    for (const state of [hub, copy]) applyChange(state, raised('next'));
    assert.deepEqual(turn(copy), turn(hub));
  });
});

describe('the due list', () => {
  it('gives out what is due in order, without what was removed or replaced', () => {
    const random = seededRandom(3);
    const due = new DueList();
    const expected = new Map<string, number>();
    for (let step = 0; step < 2_000; step++) {
      const key = `k${Math.floor(random.next() * 200)}`;
      if (random.next() < 0.3) {
        due.remove(key);
        expected.delete(key);
      } else {
        const dueMs = Math.floor(random.next() * 1_000);
        due.add({ key, dueMs });
        expected.set(key, dueMs);
      }
      if (step % 50 !== 49) continue;
      const nowMs = Math.floor(random.next() * 500);
      const times = due.takeDue(nowMs).map((taken) => {
        const dueMs = expected.get(taken);
        expected.delete(taken);
        return dueMs ?? Number.NaN;
      });
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      );
      assert.ok([...expected.values()].every((dueMs) => dueMs > nowMs));
      assert.equal(due.earliestMs, expected.size === 0 ? undefined : Math.min(...expected.values()));
    }
  });
});

describe('the keyed queue', () => {
  it('runs one at a time for each key, no more than its limit, and again when asked meanwhile', async () => {
    const runs: string[] = [];
    const release = new Map<string, () => void>();
    const queue = new KeyedQueue({
      maxConcurrentRuns: 2,
      run: (key) =>
        new Promise((resolve) => {
          runs.push(key);
          release.set(key, resolve);
        }),
    });
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    for (const key of ['a', 'b', 'a', 'c']) queue.enqueue(key);
    await settle();
    assert.deepEqual(runs, ['a', 'b']);
    queue.enqueue('a');
    release.get('a')!();
    await settle();
    assert.deepEqual(runs, ['a', 'b', 'c'], 'c was asked for before the second a');
    release.get('b')!();
    await settle();
    assert.deepEqual(runs, ['a', 'b', 'c', 'a']);
    const stopped = queue.stop();
    queue.enqueue('d');
    release.get('c')!();
    release.get('a')!();
    await stopped;
    assert.equal(runs.length, 4);
  });
});

describe('ids', () => {
  it('of entities have a lower-case name and a key as given', () => {
    assert.equal(schedulerIdOf('Counter', 'Key@1'), '@counter@Key@1');
    assert.deepEqual(parseSchedulerId('@Counter@Key@1'), { name: 'counter', key: 'Key@1' });
    assert.equal(parseSchedulerId('counter'), undefined);
  });

  it('refuse what the real host refuses', () => {
    for (const key of ['a/b', 'a\\b', 'a#b', 'a?b', 'a\nb']) assert.notEqual(keyProblem(key), undefined, key);
    assert.equal(keyProblem('ä b-@:1'), undefined);
    for (const id of ['', '@a@b', 'a/b', 'x'.repeat(257)])
      assert.notEqual(instanceIdProblem(id), undefined, id);
  });
});

describe('what an orchestrator answers', () => {
  it('is decoded: texts twice for activities and continueAsNew, once for the others', () => {
    const answer = readAnswer({
      isDone: true,
      actions: [
        [
          { actionType: 0, functionName: 'A', input: '"text"' },
          { actionType: 0, functionName: 'B', input: { x: 1 } },
          { actionType: 2, functionName: 'S', input: 'text' },
          { actionType: 9, instanceId: '@Counter@k', operation: 'add' },
          { actionType: 12, compoundActions: [{ actionType: 6 }, { actionType: 0, functionName: 'C' }] },
          { actionType: 4, input: '"again"' },
        ],
      ],
    });
    assert.ok(answer.kind === 'continuedAsNew');
    assert.equal(answer.input, '"again"');
    assert.deepEqual(
      answer.actions.map((action) => [action.kind, 'input' in action ? action.input : undefined]),
      [
        ['activity', '"text"'],
        ['activity', '{"x":1}'],
        ['subOrchestration', '"text"'],
        ['signalEntity', null],
        ['externalEvent', undefined],
        ['activity', null],
      ],
    );
  });

  it('is a failure with its actions, or without when it is none of its own', () => {
    const payload = JSON.stringify({ isDone: false, actions: [[{ actionType: 6 }]], error: 'boom' });
    const failed = readFailure(new Error(`false\n\n$OutOfProcData$:${payload}`));
    assert.deepEqual([failed.error, failed.actions.length], ['boom', 1]);
    assert.deepEqual(readFailure(new Error('replay')), { kind: 'failed', actions: [], error: 'replay' });
  });

  it('is refused when one action object comes twice', () => {
    const [a, event] = [{ actionType: 0, functionName: 'A' }, { actionType: 6 }];
    const compound = (...compoundActions: object[]) => ({ actionType: 12, compoundActions });
    assert.match(repeatedActionProblem({ actions: [[compound(a), compound(a)]] }) ?? '', /of A again/);
    assert.equal(repeatedActionProblem({ actions: [[compound(a, event), compound(event)]] }), undefined);
    assert.equal(repeatedActionProblem({ actions: [[{ ...a }, { ...a }]] }), undefined);
  });
});

describe('a status', () => {
  it('has times to the second, values parsed, and history under both names', () => {
    const instance = hubWith().instances.get('i')!;
    const details = { showInput: true, showHistory: true, showHistoryOutput: false };
    const status = statusOf(instance, details);
    assert.deepEqual(
      [status.createdTime, status.input, status.output, status.history],
      ['2026-01-01T00:00:00Z', { a: 1 }, null, status.historyEvents],
    );
  });

  it('is parsed from a list, and unknown ones are refused', () => {
    assert.deepEqual(parseStatuses('completed, Failed'), ['Completed', 'Failed']);
    assert.equal(parseStatuses('Completed,Gone'), undefined);
  });

  it('says what may be purged', () => {
    const hub = hubWith();
    assert.equal(isPurgeable(hub.instances.get('i')!, {}), false);
    turn(hub, 'Failed');
    assert.equal(isPurgeable(hub.instances.get('i')!, {}), true);
    assert.equal(isPurgeable(hub.instances.get('i')!, { statuses: ['Completed'] }), false);
  });
});

describe('faults', () => {
  it('are read from their option', () => {
    assert.deepEqual(parseFaults('duplicate=0.2,delay=1,rerun=0.1,max-delay-ms=500'), {
      duplicateSignals: 0.2,
      delaySignals: 1,
      rerunBatches: 0.1,
      maxDelayMs: 500,
    });
    for (const text of ['', 'duplicate', 'duplicate=2', 'other=1', 'rerun=1']) {
      assert.throws(() => parseFaults(text), { code: 'CONFIG_INVALID' }, text);
    }
  });

  it('come as often as they are asked for', () => {
    const faults = new FaultSwitches({ duplicateSignals: 0.5, rerunBatches: 0.25 }, seededRandom(1));
    const signals = Array.from({ length: 1_000 }, () => faults.nextSignal().delaysMs.length);
    const reruns = Array.from({ length: 1_000 }, () => faults.nextEntityBatch()).filter(
      (fault) => fault === 'rerun',
    );
    const copies = signals.reduce((sum, count) => sum + count, 0);
    assert.ok(copies > 1_400 && copies < 1_600, `${copies}`);
    assert.ok(reruns.length > 200 && reruns.length < 300, `${reruns.length}`);
    assert.deepEqual(new FaultSwitches({}, seededRandom(1)).nextSignal(), { delaysMs: [0] });
  });
});
