import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type ActionBook,
  advanceBook,
  emptyBook,
  retryDelayMs,
  takesId,
} from '../../../local/durable/actionBook.js';
import { type EventTypeName, type HistoryEvent, historyEvent } from '../../../local/durable/historyEvents.js';
import type { Action } from '../../../local/durable/orchestratorProtocol.js';

const nowMs = 1_000_000;
const retry = { firstRetryIntervalInMilliseconds: 100, maxNumberOfAttempts: 3, backoffCoefficient: 2 };

function activity(name: string, options: { readonly retry?: typeof retry } = {}): Action {
  return { kind: 'activity', name, input: null, ...options };
}

function completion(type: EventTypeName, id: number): HistoryEvent {
  return historyEvent(type, nowMs, type === 'timerFired' ? { TimerId: id } : { TaskScheduledId: id });
}

function timer(isCanceled = false): Action {
  return { kind: 'timer', fireAtMs: nowMs + 5_000, isCanceled };
}

/** Plays turns and notes each task as `id name`, and timers with their delay. */
function play(turns: readonly (readonly [events: readonly HistoryEvent[], actions: readonly Action[]])[]) {
  let book: ActionBook = emptyBook;
  const canceled: number[] = [];
  const tasks = turns.map(([events, actions]) => {
    const progress = advanceBook(book, events, actions, nowMs);
    book = progress.book;
    canceled.push(...progress.canceledTimerIds);
    return progress.tasks.map(({ id, action }) => {
      if (action.kind === 'timer') return `${id} timer ${action.fireAtMs - nowMs}`;
      return `${id} ${'name' in action ? action.name : action.kind}`;
    });
  });
  return { book, tasks, canceled };
}

describe('the ids of tasks', () => {
  it('follow the action list', () => {
    const { tasks, book } = play([
      [[], [activity('A'), { kind: 'externalEvent' }, activity('B')]],
      [
        [completion('taskCompleted', 0)],
        [activity('A'), { kind: 'externalEvent' }, activity('B'), activity('C')],
      ],
    ]);
    assert.deepEqual(tasks, [['0 A', '1 B'], ['2 C']]);
    assert.equal(book.nextId, 3);
  });

  it('count a retry timer and the attempt after it', () => {
    const a = activity('A', { retry });
    const { tasks } = play([
      [[], [a]],
      [[completion('taskFailed', 0)], [a]],
      [[completion('timerFired', 1)], [a]],
      [[completion('taskCompleted', 2)], [a, activity('B')]],
    ]);
    assert.deepEqual(tasks, [['0 A'], ['1 timer 100'], ['2 A'], ['3 B']]);
  });

  it('are taken in the order in which parallel retries fail', () => {
    const actions = [activity('A', { retry }), activity('B', { retry }), activity('Z')];
    const { tasks } = play([
      [[], actions],
      [[completion('taskFailed', 1), completion('taskFailed', 0)], actions],
      [[completion('timerFired', 3), completion('timerFired', 4)], actions],
      [
        [completion('taskCompleted', 5), completion('taskCompleted', 6), completion('taskCompleted', 2)],
        [...actions, activity('next')],
      ],
    ]);
    assert.deepEqual(tasks, [
      ['0 A', '1 B', '2 Z'],
      ['3 timer 100', '4 timer 100'],
      ['5 B', '6 A'],
      ['7 next'],
    ]);
  });

  it('count one more timer after the last attempt, which fires at once', () => {
    const a = activity('A', { retry: { ...retry, maxNumberOfAttempts: 1 } });
    const { tasks, book } = play([
      [[], [a]],
      [[completion('taskFailed', 0)], [a]],
      [[completion('timerFired', 1)], [a, activity('after')]],
    ]);
    assert.deepEqual(tasks, [['0 A'], ['1 timer 0'], ['2 after']]);
    assert.deepEqual(book.retries, []);
  });

  it('count a released lock once for each entity', () => {
    const lock: Action = { kind: 'lock', requestId: 'r', entityIds: ['@a@1', '@b@2', '@c@3'] };
    const { tasks } = play([
      [[], [lock]],
      [[historyEvent('eventRaised', nowMs, { Name: 'r' })], [lock, { kind: 'release' }, activity('A')]],
    ]);
    assert.deepEqual(tasks, [['0 lock'], ['1 release', '4 A']]);
  });
});

describe('timers', () => {
  it('are canceled by a mark in a list that already held them, once', () => {
    const event = historyEvent('eventRaised', nowMs, { Name: 'go' });
    const { tasks, canceled } = play([
      [[], [timer()]],
      [[event], [timer(true), activity('A')]],
      [[completion('taskCompleted', 1)], [timer(true), activity('A')]],
    ]);
    assert.deepEqual(tasks, [['0 timer 5000'], ['1 A'], []]);
    assert.deepEqual(canceled, [0]);
  });

  it('that fired are not canceled', () => {
    const { canceled, book } = play([
      [[], [timer()]],
      [[completion('timerFired', 0)], [timer(true)]],
    ]);
    assert.deepEqual(canceled, []);
    assert.deepEqual(book.openTimers, []);
  });

  it('take an id even when they are canceled in the turn they were made in', () => {
    const { tasks } = play([[[], [timer(true), activity('A')]]]);
    assert.deepEqual(tasks, [['1 A']]);
  });
});

describe('events that take an id', () => {
  it('are failures that are retried and timers before another attempt', () => {
    const { book } = play([[[], [activity('A', { retry }), activity('B')]]]);
    assert.equal(takesId(book, completion('taskFailed', 0)), true);
    assert.equal(takesId(book, completion('taskCompleted', 0)), false);
    assert.equal(takesId(book, completion('taskFailed', 1)), false);
    const waiting = advanceBook(
      book,
      [completion('taskFailed', 0)],
      [activity('A', { retry }), activity('B')],
      nowMs,
    );
    assert.equal(takesId(waiting.book, completion('timerFired', 2)), true);
  });
});

describe('the delay before a retry', () => {
  it('grows by the coefficient up to its limit', () => {
    const options = { ...retry, maxRetryIntervalInMilliseconds: 350 };
    assert.deepEqual(
      [1, 2, 3].map((attempt) => retryDelayMs(options, attempt)),
      [100, 200, 350],
    );
  });
});
