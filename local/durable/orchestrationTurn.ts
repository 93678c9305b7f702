// Pure. One turn of an orchestration: from what its function answered to the changes that are committed as one.
// (Durable contract, sections 2.3 to 2.5.)
import { type ActionBook, advanceBook } from './actionBook.js';
import { type Failure, failureFields, type HistoryEvent, historyEvent, isEvent } from './historyEvents.js';
import { type Change, type Consumed, type Instance, taskKey } from './hubState.js';
import type { OrchestratorAnswer } from './orchestratorProtocol.js';
import { TaskSchedule, type TurnSurroundings } from './taskSchedule.js';

export interface TurnResult {
  readonly events: readonly HistoryEvent[];
  readonly consumed: Consumed;
  readonly answer: OrchestratorAnswer;
}

/** The history the function is given: exactly one new OrchestratorStarted, directly before the new events. */
export function historyForTurn(
  { history }: Instance,
  events: readonly HistoryEvent[],
  nowMs: number,
): HistoryEvent[] {
  return [...history, historyEvent('orchestratorStarted', nowMs), ...events];
}

export function changesOfTurn(instance: Instance, result: TurnResult, around: TurnSurroundings): Change[] {
  const { answer, events } = result;
  const progress = advanceBook(instance.book, events, answer.actions, around.nowMs);
  const { book, canceledTimerIds } = progress;
  const scheduled = new TaskSchedule(instance, around);
  for (const task of progress.tasks) scheduled.add(task);
  const canceled = canceledTimerIds.map(
    (id): Change => ({ kind: 'timerRemoved', key: taskKey(instance, id) }),
  );
  return [
    answer.kind === 'continuedAsNew'
      ? nextExecution(instance, result, answer, around)
      : historyOfTurn(instance, result, { book, scheduled: scheduled.events, nowMs: around.nowMs }),
    ...scheduled.changes,
    ...canceled,
    // What is left of this execution: timers and locks. Its activities run on, and nobody hears of their end.
    ...(answer.kind === 'waiting' ? [] : abandon({ ...instance, book })),
    ...newsForParent(instance, answer, around.nowMs),
  ];
}

function nextExecution(
  { instanceId }: Instance,
  { consumed }: TurnResult,
  answer: Extract<OrchestratorAnswer, { kind: 'continuedAsNew' }>,
  { nowMs, newId }: TurnSurroundings,
): Change {
  const executionId = newId();
  const { input } = answer;
  const customStatus = customStatusOf(answer);
  return {
    kind: 'instanceContinued',
    instanceId,
    consumed,
    executionId,
    input,
    ...customStatus,
    atMs: nowMs,
  };
}

function historyOfTurn(
  instance: Instance,
  { answer, events, consumed }: TurnResult,
  turn: { readonly book: ActionBook; readonly scheduled: readonly HistoryEvent[]; readonly nowMs: number },
): Change {
  const { book, scheduled, nowMs } = turn;
  const { status, output } = endOf(instance, answer);
  const started = historyEvent('orchestratorStarted', nowMs);
  return {
    kind: 'instanceTurn',
    instanceId: instance.instanceId,
    consumed,
    events: [started, ...events, ...scheduled, ...closingEvents(answer, output, nowMs)],
    book,
    status,
    ...customStatusOf(answer),
    output,
    atMs: nowMs,
  };
}

/** The library leaves a falsy status out: then the last one stays. */
function customStatusOf(answer: OrchestratorAnswer): { readonly customStatus?: unknown } {
  return 'customStatus' in answer ? { customStatus: answer.customStatus } : {};
}

function newsForParent(instance: Instance, answer: OrchestratorAnswer, nowMs: number): Change[] {
  if (answer.kind === 'completed') return tellParent(instance, { result: answer.output }, nowMs);
  if (answer.kind !== 'failed') return [];
  return tellParent(instance, { failure: failureOf(instance.name, answer.error) }, nowMs);
}

/** Suspend, resume or terminate. */
export function changesOfControl(
  instance: Instance,
  event: HistoryEvent,
  consumed: Consumed,
  nowMs: number,
): Change[] {
  const isEnd = isEvent(event, 'executionTerminated');
  const turn: Change = {
    kind: 'instanceTurn',
    instanceId: instance.instanceId,
    consumed,
    events: [event],
    book: instance.book,
    status: isEnd ? 'Terminated' : isEvent(event, 'executionSuspended') ? 'Suspended' : resumed(instance),
    output: isEnd ? (event.Input ?? null) : null,
    atMs: nowMs,
  };
  if (!isEnd) return [turn];
  const reason = `Orchestration terminated: ${JSON.parse(event.Input ?? '""')}`;
  const failure = { reason, details: '' };
  return [turn, ...abandon(instance), ...tellParent(instance, { failure }, nowMs)];
}

function resumed({ history }: Instance): 'Pending' | 'Running' {
  return history.some((event) => isEvent(event, 'executionStarted')) ? 'Running' : 'Pending';
}

function endOf({ name }: Instance, answer: OrchestratorAnswer) {
  switch (answer.kind) {
    case 'completed':
      return { status: 'Completed', output: answer.output } as const;
    case 'failed':
      return { status: 'Failed', output: JSON.stringify(failureOf(name, answer.error).reason) } as const;
    default:
      return { status: 'Running', output: null } as const;
  }
}

function closingEvents(answer: OrchestratorAnswer, output: string | null, nowMs: number): HistoryEvent[] {
  const completed = historyEvent('orchestratorCompleted', nowMs);
  if (answer.kind === 'waiting') return [completed];
  const ended = historyEvent('executionCompleted', nowMs, { Result: output });
  return [
    answer.kind === 'failed' ? { ...ended, ...failureFields({ reason: answer.error, details: '' }) } : ended,
    completed,
  ];
}

function failureOf(name: string, error: string): Failure {
  return {
    reason: `Orchestrator function '${name}' failed: ${error}`,
    details: `Message: ${error}, StackTrace: none`,
  };
}

function tellParent(
  { parent }: Instance,
  end: { readonly result: string | null } | { readonly failure: Failure },
  nowMs: number,
): Change[] {
  if (parent === null) return [];
  const ids = { TaskScheduledId: parent.taskId };
  const event =
    'failure' in end
      ? historyEvent('subOrchestrationFailed', nowMs, { ...ids, ...failureFields(end.failure) })
      : historyEvent('subOrchestrationCompleted', nowMs, { ...ids, Result: end.result });
  return [{ kind: 'eventSent', instanceId: parent.instanceId, executionId: parent.executionId, event }];
}

function abandon(instance: Instance): Change[] {
  const { book, instanceId, executionId } = instance;
  const timerIds = [
    ...book.openTimers.map(([, id]) => id),
    ...book.retries.filter(([, { waitsFor }]) => waitsFor === 'timer').map(([id]) => id),
  ];
  const timers = timerIds.map((id): Change => ({ kind: 'timerRemoved', key: taskKey(instance, id) }));
  const { requestId = '', entityIds = [] } = book.lock ?? {};
  const releases = entityIds.map(
    (entityId): Change => ({
      kind: 'requestSent',
      entityId,
      request: { kind: 'release', requestId, sender: { instanceId, executionId } },
    }),
  );
  return [...timers, ...releases];
}
