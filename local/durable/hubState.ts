// Pure. Everything the backend keeps, and the changes it is made of: those of one turn are one record of the log.
import type { ActionBook } from './actionBook.js';
import type { EntityId } from './entityIds.js';
import type { HistoryEvent } from './historyEvents.js';

export const runtimeStatuses = [
  'Pending',
  'Running',
  'Completed',
  'ContinuedAsNew',
  'Failed',
  'Canceled',
  'Terminated',
  'Suspended',
] as const;
export type RuntimeStatus = (typeof runtimeStatuses)[number];

/** One generation of an orchestration. */
export interface Execution {
  readonly instanceId: string;
  readonly executionId: string;
}

export interface ParentTask extends Execution {
  readonly taskId: number;
}

/** Messages are numbered in the order of their arrival, over all receivers. */
export interface Numbered {
  readonly number: number;
}

export interface InboxMessage extends Numbered {
  /** Dropped when the instance runs another execution by then; null for those that mean whichever runs. */
  readonly executionId: string | null;
  readonly event: HistoryEvent;
}

export interface InstanceSeed extends Execution {
  readonly name: string;
  readonly version: string | null;
  /** JSON text. */
  readonly input: string | null;
  readonly parent: ParentTask | null;
  readonly createdMs: number;
}

export interface Instance extends InstanceSeed {
  readonly status: RuntimeStatus;
  readonly customStatus: unknown;
  /** JSON text; of a failed instance its reason, of a terminated one what it was told. */
  readonly output: string | null;
  readonly lastUpdatedMs: number;
  readonly history: HistoryEvent[];
  readonly inbox: readonly InboxMessage[];
  readonly book: ActionBook;
}

export type EntityRequest =
  | {
      readonly kind: 'operation';
      readonly name: string;
      /** JSON text. */
      readonly input: string | null;
      readonly isSignal: boolean;
      readonly requestId: string;
      /** The orchestration that calls or signals; null for clients and entities. */
      readonly sender: Execution | null;
    }
  | {
      readonly kind: 'lock';
      readonly requestId: string;
      readonly entityIds: readonly string[];
      /** Index of this entity in `entityIds`. */
      readonly position: number;
      readonly sender: Execution;
    }
  | { readonly kind: 'release'; readonly requestId: string; readonly sender: Execution };

export type EntityMessage = EntityRequest & Numbered;

export interface HeldLock {
  readonly requestId: string;
  readonly owner: Execution;
}

export interface Entity extends EntityId {
  readonly exists: boolean;
  /** JSON text. */
  readonly state: string | null;
  readonly lock: HeldLock | null;
  readonly lastOperationMs: number;
  readonly inbox: readonly EntityMessage[];
}

export interface PendingActivity extends Execution {
  readonly taskId: number;
  readonly name: string;
  /** JSON text. */
  readonly input: string | null;
}

export type TimerTarget =
  | (Execution & { readonly kind: 'task'; readonly taskId: number })
  /** A signal held back by the fault mode. */
  | { readonly kind: 'request'; readonly entityId: string; readonly request: EntityRequest };

export interface PendingTimer {
  readonly key: string;
  readonly dueMs: number;
  readonly target: TimerTarget;
}

/** Messages up to a number, except some: what a turn took from its inbox. */
export interface Consumed {
  readonly upTo: number;
  readonly except: readonly number[];
}

export type Change =
  | { readonly kind: 'instanceStarted'; readonly seed: InstanceSeed }
  | {
      readonly kind: 'instanceTurn';
      readonly instanceId: string;
      readonly consumed: Consumed;
      readonly events: readonly HistoryEvent[];
      readonly book: ActionBook;
      readonly status: RuntimeStatus;
      /** Absent when it stays as it is. */
      readonly customStatus?: unknown;
      readonly output: string | null;
      readonly atMs: number;
    }
  | {
      readonly kind: 'instanceContinued';
      readonly instanceId: string;
      readonly consumed: Consumed;
      readonly executionId: string;
      readonly input: string | null;
      readonly customStatus?: unknown;
      readonly atMs: number;
    }
  | { readonly kind: 'instancePurged'; readonly instanceId: string }
  | {
      readonly kind: 'eventSent';
      readonly instanceId: string;
      readonly executionId: string | null;
      readonly event: HistoryEvent;
    }
  | { readonly kind: 'requestSent'; readonly entityId: string; readonly request: EntityRequest }
  | {
      readonly kind: 'entityTurn';
      readonly entityId: string;
      readonly consumed: Consumed;
      readonly exists: boolean;
      readonly state: string | null;
      readonly lock: HeldLock | null;
      readonly atMs: number;
    }
  | { readonly kind: 'activityScheduled'; readonly activity: PendingActivity }
  | { readonly kind: 'activityEnded'; readonly key: string }
  | { readonly kind: 'timerSet'; readonly timer: PendingTimer }
  | { readonly kind: 'timerRemoved'; readonly key: string }
  | Snapshot;

/** What a compacted log begins with. */
type Snapshot =
  | { readonly kind: 'instance'; readonly instance: Instance }
  | { readonly kind: 'entity'; readonly entity: Entity }
  | { readonly kind: 'messageCount'; readonly count: number };

export interface HubState {
  readonly instances: Map<string, Instance>;
  /** By `@name@key`. */
  readonly entities: Map<string, Entity>;
  readonly activities: Map<string, PendingActivity>;
  readonly timers: Map<string, PendingTimer>;
  messageCount: number;
}

export function emptyHub(): HubState {
  return {
    instances: new Map(),
    entities: new Map(),
    activities: new Map(),
    timers: new Map(),
    messageCount: 0,
  };
}

export function taskKey({ instanceId, executionId }: Execution, taskId: number): string {
  return `${instanceId}/${executionId}/${taskId}`;
}

export function isRunning({ status }: Pick<Instance, 'status'>): boolean {
  return (
    status === 'Pending' || status === 'Running' || status === 'ContinuedAsNew' || status === 'Suspended'
  );
}

export function isCurrent(hub: HubState, { instanceId, executionId }: Execution): boolean {
  const instance = hub.instances.get(instanceId);
  return instance !== undefined && instance.executionId === executionId && isRunning(instance);
}
