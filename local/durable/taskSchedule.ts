// Pure. From an orchestration's new tasks to what they leave in its history, and what has to be done for them.
// (Durable contract, section 2.5.)
import type { Task } from './actionBook.js';
import { failureFields, type HistoryEvent, historyEvent, isoTime } from './historyEvents.js';
import { type Change, type HubState, type Instance, isRunning, taskKey } from './hubState.js';

export type FunctionKind = 'orchestrator' | 'entity' | 'activity';

export interface TurnSurroundings {
  readonly hub: HubState;
  readonly nowMs: number;
  newId(): string;
  hasFunction(kind: FunctionKind, name: string): boolean;
}

/** What tasks leave in the history, and what has to be done for them. */
export class TaskSchedule {
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
