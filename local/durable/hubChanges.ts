// Pure. How a change alters the hub. Memory and recovery go the same way, so after a crash the state is what it was.
import { emptyBook } from './actionBook.js';
import { parseSchedulerId, schedulerIdOf } from './entityIds.js';
import { type HistoryEvent, historyEvent } from './historyEvents.js';
import {
  type Change,
  type Consumed,
  type Entity,
  type EntityRequest,
  type HubState,
  type InstanceSeed,
  isRunning,
  type Numbered,
  taskKey,
} from './hubState.js';

export function applyChange(hub: HubState, change: Change): void {
  switch (change.kind) {
    case 'instanceStarted':
      startInstance(hub, change.seed);
      return;
    case 'instanceTurn':
      endTurn(hub, change);
      return;
    case 'instanceContinued':
      continueInstance(hub, change);
      return;
    case 'instancePurged':
      hub.instances.delete(change.instanceId);
      return;
    case 'eventSent':
      sendEvent(hub, change);
      return;
    case 'requestSent':
      sendRequest(hub, change.entityId, change.request);
      return;
    case 'entityTurn':
      endEntityTurn(hub, change);
      return;
    case 'activityScheduled':
      hub.activities.set(taskKey(change.activity, change.activity.taskId), change.activity);
      return;
    case 'activityEnded':
      hub.activities.delete(change.key);
      return;
    case 'timerSet':
      hub.timers.set(change.timer.key, change.timer);
      return;
    case 'timerRemoved':
      hub.timers.delete(change.key);
      return;
    case 'instance':
      hub.instances.set(change.instance.instanceId, change.instance);
      return;
    case 'entity':
      hub.entities.set(schedulerIdOf(change.entity.name, change.entity.key), change.entity);
      return;
    case 'messageCount':
      hub.messageCount = change.count;
  }
}

/** Changes that lead from an empty hub to this one. */
export function* snapshotOf(hub: HubState): Generator<Change> {
  yield { kind: 'messageCount', count: hub.messageCount };
  for (const instance of hub.instances.values()) yield { kind: 'instance', instance };
  for (const entity of hub.entities.values()) yield { kind: 'entity', entity };
  for (const activity of hub.activities.values()) yield { kind: 'activityScheduled', activity };
  for (const timer of hub.timers.values()) yield { kind: 'timerSet', timer };
}

function startInstance(hub: HubState, seed: InstanceSeed): void {
  hub.instances.set(seed.instanceId, {
    ...seed,
    status: 'Pending',
    customStatus: null,
    output: null,
    lastUpdatedMs: seed.createdMs,
    history: [],
    inbox: [{ number: ++hub.messageCount, executionId: null, event: executionStarted(seed, seed.createdMs) }],
    book: emptyBook,
  });
}

function executionStarted(seed: InstanceSeed, atMs: number): HistoryEvent {
  const { instanceId, executionId, name, version, input, parent } = seed;
  return historyEvent('executionStarted', atMs, {
    Name: name,
    Version: version ?? '',
    Input: input,
    OrchestrationInstance: { InstanceId: instanceId, ExecutionId: executionId },
    ParentInstance: parent === null ? null : { InstanceId: parent.instanceId, TaskScheduleId: parent.taskId },
  });
}

function endTurn(hub: HubState, change: Extract<Change, { kind: 'instanceTurn' }>): void {
  const instance = hub.instances.get(change.instanceId);
  if (instance === undefined) return;
  // Histories grow long: the array is this state's own and is added to, not copied.
  instance.history.push(...change.events);
  hub.instances.set(change.instanceId, {
    ...instance,
    ...('customStatus' in change ? { customStatus: change.customStatus } : {}),
    status: change.status,
    output: change.output,
    lastUpdatedMs: change.atMs,
    inbox: remaining(instance.inbox, change.consumed),
    book: change.book,
  });
}

function continueInstance(hub: HubState, change: Extract<Change, { kind: 'instanceContinued' }>): void {
  const instance = hub.instances.get(change.instanceId);
  if (instance === undefined) return;
  const { executionId, input, atMs } = change;
  const next = { ...instance, executionId, input };
  const started = { executionId: null, event: executionStarted(next, atMs) };
  // The start comes first, before what has arrived meanwhile.
  const inbox = [started, ...remaining(instance.inbox, change.consumed)];
  hub.instances.set(change.instanceId, {
    ...next,
    ...('customStatus' in change ? { customStatus: change.customStatus } : {}),
    status: 'ContinuedAsNew',
    lastUpdatedMs: atMs,
    history: [],
    inbox: inbox.map((message) => ({ ...message, number: ++hub.messageCount })),
    book: emptyBook,
  });
}

/** To an instance that is not there, or has ended, nothing is delivered. */
function sendEvent(hub: HubState, change: Extract<Change, { kind: 'eventSent' }>): void {
  const instance = hub.instances.get(change.instanceId);
  if (instance === undefined || !isRunning(instance)) return;
  const { executionId, event } = change;
  if (executionId !== null && executionId !== instance.executionId) return;
  const message = { number: ++hub.messageCount, executionId, event };
  hub.instances.set(change.instanceId, { ...instance, inbox: added(instance.inbox, message) });
}

function sendRequest(hub: HubState, entityId: string, request: EntityRequest): void {
  const found = hub.entities.get(entityId);
  const entity = found ?? newEntity(entityId);
  const message = { ...request, number: ++hub.messageCount };
  hub.entities.set(entityId, { ...entity, inbox: added(entity.inbox, message) });
}

function newEntity(entityId: string): Entity {
  const { name = '', key = '' } = parseSchedulerId(entityId) ?? {};
  return { name, key, exists: false, state: null, lock: null, lastOperationMs: 0, inbox: [] };
}

function endEntityTurn(hub: HubState, change: Extract<Change, { kind: 'entityTurn' }>): void {
  const entity = hub.entities.get(change.entityId);
  if (entity === undefined) return;
  const { exists, state, lock, atMs } = change;
  const inbox = remaining(entity.inbox, change.consumed);
  if (!exists && lock === null && inbox.length === 0) hub.entities.delete(change.entityId);
  else hub.entities.set(change.entityId, { ...entity, exists, state, lock, inbox, lastOperationMs: atMs });
}

/** An inbox belongs to one receiver and is replaced when it is taken from, so it may grow in place. */
function added<M>(inbox: readonly M[], message: M): readonly M[] {
  const own = inbox as M[];
  own.push(message);
  return own;
}

function remaining<M extends Numbered>(inbox: readonly M[], { upTo, except }: Consumed): M[] {
  const kept = new Set(except);
  return inbox.filter(({ number }) => number > upTo || kept.has(number));
}
