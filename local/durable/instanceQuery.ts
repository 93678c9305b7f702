// Pure. Which instances a query means, and how an instance is shown to clients. (Durable contract, section 4.2.)
import { eventTypes, type HistoryEvent, isEvent } from './historyEvents.js';
import { type Instance, isRunning, type RuntimeStatus, runtimeStatuses } from './hubState.js';

export interface InstanceFilter {
  readonly createdFromMs?: number;
  readonly createdToMs?: number;
  readonly statuses?: readonly RuntimeStatus[];
  readonly instanceIdPrefix?: string;
}

export interface StatusDetails {
  readonly showInput: boolean;
  readonly showHistory: boolean;
  /** With the inputs and results of the tasks. */
  readonly showHistoryOutput: boolean;
}

export function matches(instance: Instance, filter: InstanceFilter): boolean {
  const { createdFromMs = -Infinity, createdToMs = Infinity, statuses, instanceIdPrefix = '' } = filter;
  return (
    instance.createdMs >= createdFromMs &&
    instance.createdMs <= createdToMs &&
    (statuses === undefined || statuses.includes(instance.status)) &&
    instance.instanceId.startsWith(instanceIdPrefix)
  );
}

/** Only what has ended may be purged. */
export function isPurgeable(instance: Instance, filter: InstanceFilter): boolean {
  return !isRunning(instance) && matches(instance, filter);
}

/** @returns undefined when the text names a status that does not exist */
export function parseStatuses(text: string): RuntimeStatus[] | undefined {
  const statuses: RuntimeStatus[] = [];
  for (const name of text.split(',')) {
    const status = runtimeStatuses.find((known) => known.toLowerCase() === name.trim().toLowerCase());
    if (status === undefined) return undefined;
    statuses.push(status);
  }
  return statuses;
}

/** The host says `historyEvents`, the library reads `history`: both are sent. */
export function statusOf(instance: Instance, details: StatusDetails): Record<string, unknown> {
  const history = details.showHistory
    ? instance.history.flatMap((event) => shownEvent(event, instance, details.showHistoryOutput))
    : undefined;
  return {
    name: instance.name,
    instanceId: instance.instanceId,
    runtimeStatus: instance.status,
    input: details.showInput ? parsed(instance.input) : null,
    customStatus: instance.customStatus ?? null,
    output: parsed(instance.output),
    createdTime: secondsTime(instance.createdMs),
    lastUpdatedTime: secondsTime(instance.lastUpdatedMs),
    ...(history === undefined ? {} : { historyEvents: history, history }),
  };
}

function parsed(text: string | null | undefined): unknown {
  return text === null || text === undefined ? null : JSON.parse(text);
}

function secondsTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

const eventNames = new Map<number, string>([
  [eventTypes.executionStarted, 'ExecutionStarted'],
  [eventTypes.executionCompleted, 'ExecutionCompleted'],
  [eventTypes.executionTerminated, 'ExecutionTerminated'],
  [eventTypes.taskCompleted, 'TaskCompleted'],
  [eventTypes.taskFailed, 'TaskFailed'],
  [eventTypes.subOrchestrationCompleted, 'SubOrchestrationInstanceCompleted'],
  [eventTypes.subOrchestrationFailed, 'SubOrchestrationInstanceFailed'],
  [eventTypes.timerFired, 'TimerFired'],
  [eventTypes.eventSent, 'EventSent'],
  [eventTypes.eventRaised, 'EventRaised'],
  [eventTypes.executionSuspended, 'ExecutionSuspended'],
  [eventTypes.executionResumed, 'ExecutionResumed'],
]);

/** Schedulings are shown as the `ScheduledTime` of what completes them, turns not at all. */
function shownEvent(event: HistoryEvent, instance: Instance, withOutput: boolean): Record<string, unknown>[] {
  const name = eventNames.get(event.EventType);
  if (name === undefined) return [];
  const scheduled = schedulingOf(event, instance.history);
  const functionName = scheduled?.Name ?? (isEvent(event, 'executionStarted') ? event.Name : undefined);
  const shown: Record<string, unknown> = {
    EventType: name,
    Timestamp: event.Timestamp,
    ...(scheduled === undefined ? {} : { ScheduledTime: scheduled.Timestamp }),
    ...(functionName === undefined ? {} : { FunctionName: functionName }),
    ...(isEvent(event, 'eventRaised', 'eventSent') ? { Name: event.Name } : {}),
    ...(event.FireAt === undefined ? {} : { FireAt: event.FireAt }),
    ...(event.Reason === undefined ? {} : { Reason: event.Reason, Details: event.Details }),
    ...(isEvent(event, 'executionCompleted') ? { OrchestrationStatus: instance.status } : {}),
  };
  if (!withOutput) return [shown];
  const input = isEvent(event, 'executionStarted', 'eventRaised') ? { Input: event.Input ?? null } : {};
  return [{ ...shown, ...input, ...('Result' in event ? { Result: parsed(event.Result) } : {}) }];
}

function schedulingOf(event: HistoryEvent, history: readonly HistoryEvent[]): HistoryEvent | undefined {
  const id = event.TaskScheduledId ?? event.TimerId;
  if (id === undefined) return undefined;
  return history.find(
    (other) =>
      other.EventId === id && isEvent(other, 'taskScheduled', 'subOrchestrationCreated', 'timerCreated'),
  );
}
