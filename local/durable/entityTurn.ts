// Pure. One turn of an entity: which of the waiting requests it takes, and the changes that its function's answer leads to.
// (Durable contract, section 1; locks: section 2.5.)
import { schedulerIdOf } from './entityIds.js';
import { historyEvent } from './historyEvents.js';
import type { Change, Consumed, Entity, EntityMessage, Execution, HeldLock } from './hubState.js';

export type Operation = Extract<EntityMessage, { kind: 'operation' }>;

export interface EntityIntake {
  readonly operations: readonly Operation[];
  readonly consumed: Consumed;
  /** After the turn. */
  readonly lock: HeldLock | null;
  /** Lock requests passed on or granted. */
  readonly lockChanges: readonly Change[];
}

export interface EntityIntakeOptions {
  readonly maxOperationCount: number;
  readonly nowMs: number;
  /** A lock is not given to an orchestration that has ended: nobody would release it. */
  isCurrent(execution: Execution): boolean;
}

interface OperationResult {
  readonly isError?: boolean;
  /** JSON text. */
  readonly result?: string;
}

/** What the library answers for a batch. */
export interface EntityAnswer {
  readonly entityExists: boolean;
  /** JSON text. */
  readonly entityState?: string | null;
  readonly results: readonly OperationResult[];
  readonly signals: readonly EntitySignal[];
}

interface EntitySignal {
  readonly target: { readonly name: string; readonly key: string };
  readonly name: string;
  readonly input?: string | null;
}

/** @returns undefined when nothing can be done now */
export function takeRequests(entity: Entity, options: EntityIntakeOptions): EntityIntake | undefined {
  const walk = new InboxWalk(entity, options);
  for (const message of entity.inbox) if (walk.take(message) === 'stop') break;
  return walk.intake();
}

class InboxWalk {
  readonly #operations: Operation[] = [];
  readonly #kept: number[] = [];
  readonly #lockChanges: Change[] = [];
  #lock: HeldLock | null;
  #upTo = 0;
  #consumedCount = 0;

  constructor(
    entity: Entity,
    private readonly options: EntityIntakeOptions,
  ) {
    this.#lock = entity.lock;
  }

  take(message: EntityMessage): 'continue' | 'stop' {
    if (message.kind === 'operation' && this.#operations.length >= this.options.maxOperationCount)
      return 'stop';
    this.#upTo = message.number;
    if (this.#mustWait(message)) {
      this.#kept.push(message.number);
      return 'continue';
    }
    this.#consumedCount++;
    if (message.kind === 'operation') this.#operations.push(message);
    else if (message.kind === 'lock') this.#acquire(message);
    else if (this.#lock?.requestId === message.requestId) {
      this.#lock = null;
      // What had to wait came earlier than what follows: the next turn begins with it.
      return 'stop';
    }
    return 'continue';
  }

  intake(): EntityIntake | undefined {
    if (this.#consumedCount === 0) return undefined;
    return {
      operations: this.#operations,
      consumed: { upTo: this.#upTo, except: this.#kept },
      lock: this.#lock,
      lockChanges: this.#lockChanges,
    };
  }

  #mustWait(message: EntityMessage): boolean {
    if (this.#lock === null || message.kind === 'release') return false;
    if (message.kind === 'lock') return this.options.isCurrent(message.sender);
    return !isSame(message.sender, this.#lock.owner);
  }

  #acquire({ kind, requestId, entityIds, position, sender }: Extract<EntityMessage, { kind: 'lock' }>): void {
    if (!this.options.isCurrent(sender)) return;
    this.#lock = { requestId, owner: sender };
    const next = entityIds[position + 1];
    if (next !== undefined) {
      const request = { kind, requestId, entityIds, position: position + 1, sender };
      this.#lockChanges.push({ kind: 'requestSent', entityId: next, request });
      return;
    }
    const input = JSON.stringify({ result: '"Lock Acquisition Completed"' });
    const event = historyEvent('eventRaised', this.options.nowMs, { Name: requestId, Input: input });
    this.#lockChanges.push({ kind: 'eventSent', ...sender, event });
  }
}

function isSame(a: Execution | null, b: Execution): boolean {
  return a !== null && a.instanceId === b.instanceId && a.executionId === b.executionId;
}

/** The trigger value, as the real host sends it. */
export function entityPayload(
  { name, key, exists, state }: Entity,
  operations: readonly Operation[],
): string {
  return JSON.stringify({
    self: { name, key },
    exists,
    state,
    batch: operations.map((operation) => ({
      name: operation.name,
      input: operation.input,
      isSignal: operation.isSignal,
    })),
  });
}

/** Nothing of the batch took effect, and each caller hears of it: the function is unknown, or took too long. */
export function failedBatch(
  { exists, state }: Entity,
  operationCount: number,
  message: string,
): EntityAnswer {
  const result = { isError: true, result: JSON.stringify(message) };
  return {
    entityExists: exists,
    entityState: state,
    results: Array.from({ length: operationCount }, () => result),
    signals: [],
  };
}

export function changesOfEntityTurn(
  entity: Entity,
  intake: EntityIntake,
  answer: EntityAnswer,
  around: { readonly nowMs: number; newId(): string },
): Change[] {
  const { consumed, lock, lockChanges } = intake;
  const turn: Change = {
    kind: 'entityTurn',
    entityId: schedulerIdOf(entity.name, entity.key),
    consumed,
    exists: answer.entityExists,
    state: answer.entityExists ? (answer.entityState ?? null) : null,
    lock,
    atMs: around.nowMs,
  };
  return [turn, ...changesOfMessages(intake, answer, around), ...lockChanges];
}

/** What a batch sends: answers to its callers, and signals. */
export function changesOfMessages(
  { operations }: EntityIntake,
  { results, signals }: EntityAnswer,
  { nowMs, newId }: { readonly nowMs: number; newId(): string },
): Change[] {
  const responses = operations.flatMap((operation, index) =>
    // A function that answers one operation twice shifts the rest, there as here: results go by their place.
    responseTo(operation, results[index] ?? {}, nowMs),
  );
  return [...responses, ...changesOfSignals(signals, newId)];
}

function changesOfSignals(signals: readonly EntitySignal[], newId: () => string): Change[] {
  return signals.map(({ target, name, input }) => ({
    kind: 'requestSent',
    entityId: schedulerIdOf(target.name, target.key),
    request: {
      kind: 'operation',
      name,
      input: input ?? null,
      isSignal: true,
      requestId: newId(),
      sender: null,
    },
  }));
}

function responseTo(
  { isSignal, sender, requestId }: Operation,
  result: OperationResult,
  nowMs: number,
): Change[] {
  if (isSignal || sender === null) return [];
  const answer = {
    result: result.result ?? null,
    ...(result.isError === true ? { exceptionType: 'Error' } : {}),
  };
  const event = historyEvent('eventRaised', nowMs, { Name: requestId, Input: JSON.stringify(answer) });
  return [{ kind: 'eventSent', ...sender, event }];
}
