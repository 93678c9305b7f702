// Pure. One turn of an orchestration: from what its function answered to the changes that are committed as one.
// (Durable contract, sections 2.3 to 2.5.)
import { advanceBook, type Task } from './actionBook.js';
import {
  type Failure,
  failureFields,
  type HistoryEvent,
  historyEvent,
  isEvent,
  isoTime,
} from './historyEvents.js';
import { type Change, type Consumed, type HubState, type Instance, isRunning, taskKey } from './hubState.js';
import type { OrchestratorAnswer } from './orchestratorProtocol.js';

export type FunctionKind = 'orchestrator' | 'entity' | 'activity';

export interface TurnSurroundings {
  readonly hub: HubState;
  readonly nowMs: number;
  newId(): string;
  hasFunction(kind: FunctionKind, name: string): boolean;
}

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
  const { answer, events, consumed } = result;
  const { nowMs } = around;
  const progress = advanceBook(instance.book, events, answer.actions, nowMs);
  const scheduled = new Schedule(instance, around);
  for (const task of progress.tasks) scheduled.add(task);
  const { book } = progress;
  const customStatus = 'customStatus' in answer ? { customStatus: answer.customStatus } : {};
  const { instanceId } = instance;
  const changes: Change[] = [];
  if (answer.kind === 'continuedAsNew') {
    const executionId = around.newId();
    const { input } = answer;
    changes.push({
      kind: 'instanceContinued',
      instanceId,
      consumed,
      executionId,
      input,
      ...customStatus,
      atMs: nowMs,
    });
  } else {
    const end = endOf(instance, answer);
    changes.push({
      kind: 'instanceTurn',
      instanceId,
      consumed,
      events: [
        historyEvent('orchestratorStarted', nowMs),
        ...events,
        ...scheduled.events,
        ...closingEvents(answer, end, nowMs),
      ],
      book,
      status: end.status,
      ...customStatus,
      output: end.output,
      atMs: nowMs,
    });
  }
  changes.push(...scheduled.changes);
  for (const id of progress.canceledTimerIds)
    changes.push({ kind: 'timerRemoved', key: taskKey(instance, id) });
  // What is left of this execution: timers and locks. Its activities run on, and nobody hears of their end.
  if (answer.kind !== 'waiting') changes.push(...abandon({ ...instance, book }));
  if (answer.kind === 'completed') changes.push(...tellParent(instance, { result: answer.output }, nowMs));
  if (answer.kind === 'failed') {
    changes.push(...tellParent(instance, { failure: failureOf(instance.name, answer.error) }, nowMs));
  }
  return changes;
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

function closingEvents(
  answer: OrchestratorAnswer,
  { output }: { readonly output: string | null },
  nowMs: number,
): HistoryEvent[] {
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

/** What tasks leave in the history, and what has to be done for them. */
class Schedule {
  readonly events: HistoryEvent[] = [];
  readonly changes: Change[] = [];
  readonly #startedIds = new Set<string>();

  constructor(
    private readonly instance: Instance,
    private readonly around: TurnSurroundings,
  ) {}

  add(task: Task): void {
    const { id, action } = task;
    switch (action.kind) {
      case 'activity':
        this.#addActivity(id, action);
        break;
      case 'subOrchestration':
        this.#addSubOrchestration(id, action);
        break;
      case 'timer':
        this.#addTimer(id, action.fireAtMs);
        break;
      case 'callEntity':
      case 'signalEntity':
        this.#addOperation(id, action);
        break;
      case 'lock':
        this.#addLock(id, action);
        break;
      case 'release':
        this.#addRelease(id, action);
        break;
    }
  }

  get #sender() {
    const { instanceId, executionId } = this.instance;
    return { instanceId, executionId };
  }

  #addActivity(id: number, { name, input }: Extract<Task['action'], { kind: 'activity' }>): void {
    this.#record('taskScheduled', { EventId: id, Name: name, Input: input });
    if (this.around.hasFunction('activity', name)) {
      const activity = { ...this.#sender, taskId: id, name, input };
      this.changes.push({ kind: 'activityScheduled', activity });
    } else this.#fail('taskFailed', id, unknownFunction(name, 'activity'));
  }

  #addSubOrchestration(id: number, action: Extract<Task['action'], { kind: 'subOrchestration' }>): void {
    const { name, input, version } = action;
    const instanceId = action.instanceId ?? `${this.instance.executionId}:${id}`;
    this.#record('subOrchestrationCreated', {
      EventId: id,
      Name: name,
      InstanceId: instanceId,
      Input: input,
    });
    const problem = this.#startProblem(name, instanceId);
    if (problem !== undefined) {
      this.#fail('subOrchestrationFailed', id, problem);
      return;
    }
    this.#startedIds.add(instanceId);
    const { nowMs } = this.around;
    const seed = { instanceId, executionId: this.around.newId(), name, version, input, createdMs: nowMs };
    const parent = { ...this.#sender, taskId: id };
    this.changes.push({ kind: 'instanceStarted', seed: { ...seed, parent } });
  }

  #startProblem(name: string, instanceId: string): string | undefined {
    if (!this.around.hasFunction('orchestrator', name)) return unknownFunction(name, 'orchestrator');
    const found = this.around.hub.instances.get(instanceId);
    const isTaken = this.#startedIds.has(instanceId) || (found !== undefined && isRunning(found));
    return isTaken ? `An orchestration with the instance id ${instanceId} is running already.` : undefined;
  }

  #addTimer(id: number, fireAtMs: number): void {
    this.#record('timerCreated', { EventId: id, FireAt: isoTime(fireAtMs) });
    const target = { kind: 'task', ...this.#sender, taskId: id } as const;
    const timer = { key: taskKey(this.instance, id), dueMs: fireAtMs, target };
    this.changes.push({ kind: 'timerSet', timer });
  }

  #addOperation(id: number, action: Extract<Task['action'], { kind: 'callEntity' | 'signalEntity' }>): void {
    const { entityId, operation: name, input } = action;
    const isSignal = action.kind === 'signalEntity';
    const requestId = this.around.newId();
    this.#recordSent(id, entityId, { op: name, id: requestId, signal: isSignal, input });
    const request = { kind: 'operation', name, input, isSignal, requestId, sender: this.#sender } as const;
    this.changes.push({ kind: 'requestSent', entityId, request });
  }

  #addLock(id: number, { requestId, entityIds }: Extract<Task['action'], { kind: 'lock' }>): void {
    const entityId = entityIds[0] ?? '';
    this.#recordSent(id, entityId, { op: null, id: requestId, lockset: entityIds, pos: 0 });
    const request = { kind: 'lock', requestId, entityIds, position: 0, sender: this.#sender } as const;
    this.changes.push({ kind: 'requestSent', entityId, request });
  }

  #addRelease(firstId: number, { requestId, entityIds }: Extract<Task['action'], { kind: 'release' }>): void {
    for (const [index, entityId] of entityIds.entries()) {
      const input = JSON.stringify({ parent: this.instance.instanceId, id: requestId });
      this.#record('eventSent', {
        EventId: firstId + index,
        InstanceId: entityId,
        Name: 'release',
        Input: input,
      });
      const request = { kind: 'release', requestId, sender: this.#sender } as const;
      this.changes.push({ kind: 'requestSent', entityId, request });
    }
  }

  #recordSent(id: number, entityId: string, message: object): void {
    const input = JSON.stringify({ ...message, parent: this.instance.instanceId });
    this.#record('eventSent', { EventId: id, InstanceId: entityId, Name: 'op', Input: input });
  }

  #record(...[type, fields]: [Parameters<typeof historyEvent>[0], Parameters<typeof historyEvent>[2]]): void {
    this.events.push(historyEvent(type, this.around.nowMs, fields));
  }

  #fail(type: 'taskFailed' | 'subOrchestrationFailed', id: number, reason: string): void {
    const fields = { TaskScheduledId: id, ...failureFields({ reason, details: '' }) };
    const event = historyEvent(type, this.around.nowMs, fields);
    this.changes.push({ kind: 'eventSent', ...this.#sender, event });
  }
}

function unknownFunction(name: string, kind: string): string {
  return `The function '${name}' doesn't exist, is disabled, or is not an ${kind} function.`;
}
