// Pure. The events of an orchestration's history, as the library reads them. (Durable contract, section 2.2.)

/** Numbers of DurableTask.Core. */
export const eventTypes = {
  executionStarted: 0,
  executionCompleted: 1,
  executionFailed: 2,
  executionTerminated: 3,
  taskScheduled: 4,
  taskCompleted: 5,
  taskFailed: 6,
  subOrchestrationCreated: 7,
  subOrchestrationCompleted: 8,
  subOrchestrationFailed: 9,
  timerCreated: 10,
  timerFired: 11,
  orchestratorStarted: 12,
  orchestratorCompleted: 13,
  eventSent: 14,
  eventRaised: 15,
  executionSuspended: 19,
  executionResumed: 20,
} as const;

export type EventTypeName = keyof typeof eventTypes;

/** Which fields there are depends on the type. Values of users are JSON texts. */
export interface HistoryEvent {
  readonly EventType: number;
  readonly EventId: number;
  readonly IsPlayed: boolean;
  /** ISO 8601, UTC. */
  readonly Timestamp: string;
  readonly Name?: string;
  readonly Version?: string | null;
  readonly Input?: string | null;
  readonly Result?: string | null;
  readonly Reason?: string;
  readonly Details?: string;
  readonly FailureDetails?: FailureDetails;
  readonly TaskScheduledId?: number;
  readonly TimerId?: number;
  readonly FireAt?: string;
  readonly InstanceId?: string;
  readonly OrchestrationInstance?: { readonly InstanceId: string; readonly ExecutionId: string };
  readonly ParentInstance?: { readonly InstanceId: string; readonly TaskScheduleId: number } | null;
}

/** Only of apps that set an exception properties provider. Never says "non-retriable": the library ignores it. */
export interface FailureDetails {
  readonly ErrorType: string;
  readonly ErrorMessage: string;
  readonly StackTrace: string;
  readonly IsNonRetriable: false;
  readonly Properties: unknown;
  readonly InnerFailure: null;
}

type Fields = Omit<Partial<HistoryEvent>, 'EventType' | 'IsPlayed' | 'Timestamp'>;

export function historyEvent(type: EventTypeName, atMs: number, fields: Fields = {}): HistoryEvent {
  return { EventType: eventTypes[type], EventId: -1, IsPlayed: false, Timestamp: isoTime(atMs), ...fields };
}

export function isEvent(event: HistoryEvent, ...types: readonly EventTypeName[]): boolean {
  return types.some((type) => eventTypes[type] === event.EventType);
}

/** Of a completion: the id of the task it ends. */
export function completedTaskId({ TaskScheduledId, TimerId }: HistoryEvent): number | undefined {
  return TaskScheduledId ?? TimerId;
}

export interface Failure {
  readonly reason: string;
  readonly details: string;
  readonly failureDetails?: FailureDetails;
}

/** The library cannot read a failed task without both texts. */
export function failureFields({ reason, details, failureDetails }: Failure): Fields {
  return {
    Reason: reason,
    Details: details,
    ...(failureDetails === undefined ? {} : { FailureDetails: failureDetails }),
  };
}

export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
