// Pure. Which id each task has. Actions carry none, so host and library count alike: in the order of the action list, and
// one more for each retry timer and each further attempt while events are processed. (Durable contract, section 2.6.)
//
// A turn is given either events that take such an id or events that do not, never both. Then nothing has to be known of
// what the orchestrator waits for: the ids of retries come first, in the order of the events, then those of new actions.
import { completedTaskId, type HistoryEvent, isEvent } from './historyEvents.js';
import type { Action, RetryOptions } from './orchestratorProtocol.js';

/** Where an execution stands between turns. */
export interface ActionBook {
  readonly nextId: number;
  /** Actions of the list that have been dealt with. */
  readonly actionCount: number;
  /** Index in the action list and id of timers that have not fired. */
  readonly openTimers: readonly (readonly [actionIndex: number, id: number])[];
  /** By the id of the attempt or timer that is waited for. */
  readonly retries: readonly (readonly [id: number, Retry])[];
  /** Asked for, or held. */
  readonly lock: EntityLock | null;
}

export interface Retry {
  readonly actionIndex: number;
  /** Of the attempt that runs, or that follows the timer; 1 is the first. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly waitsFor: 'attempt' | 'timer';
  readonly firstScheduledMs: number;
}

export interface EntityLock {
  readonly requestId: string;
  readonly entityIds: readonly string[];
}

/** What the host has to do next. */
export type Task =
  | { readonly id: number; readonly action: Exclude<Action, { kind: 'externalEvent' | 'release' | 'timer' }> }
  | { readonly id: number; readonly action: { readonly kind: 'timer'; readonly fireAtMs: number } }
  | { readonly id: number; readonly action: { readonly kind: 'release' } & EntityLock };

export interface BookProgress {
  readonly book: ActionBook;
  readonly tasks: readonly Task[];
  readonly canceledTimerIds: readonly number[];
}

export const emptyBook: ActionBook = { nextId: 0, actionCount: 0, openTimers: [], retries: [], lock: null };

/** True for a failure that will be retried and for a retry timer before another attempt. */
export function takesId(book: ActionBook, event: HistoryEvent): boolean {
  const retry = retryOf(book, event);
  if (retry === undefined) return false;
  if (isEvent(event, 'taskFailed', 'subOrchestrationFailed')) return true;
  return isEvent(event, 'timerFired') && retry.attempt <= retry.maxAttempts;
}

/**
 * @param events what the turn brought; see the top of this file for what may be together
 * @param actions the whole list the orchestrator answered with
 */
export function advanceBook(
  book: ActionBook,
  events: readonly HistoryEvent[],
  actions: readonly Action[],
  nowMs: number,
): BookProgress {
  const turn = new BookTurn(book, actions, nowMs);
  for (const event of events) turn.addEvent(event);
  for (let index = book.actionCount; index < actions.length; index++) turn.addAction(index);
  turn.cancelTimers();
  return turn.progress();
}

class BookTurn {
  readonly #tasks: Task[] = [];
  readonly #canceledTimerIds: number[] = [];
  readonly #openTimers: Map<number, number>;
  readonly #retries: Map<number, Retry>;
  #nextId: number;
  #lock: EntityLock | null;

  constructor(
    private readonly book: ActionBook,
    private readonly actions: readonly Action[],
    private readonly nowMs: number,
  ) {
    this.#openTimers = new Map(book.openTimers);
    this.#retries = new Map(book.retries);
    this.#nextId = book.nextId;
    this.#lock = book.lock;
  }

  addEvent(event: HistoryEvent): void {
    const id = completedTaskId(event);
    if (id === undefined) return;
    if (isEvent(event, 'timerFired')) this.#forgetTimer(id);
    const retry = this.#retries.get(id);
    if (retry === undefined) return;
    this.#retries.delete(id);
    if (isEvent(event, 'taskFailed', 'subOrchestrationFailed')) this.#waitBeforeRetry(retry);
    else if (isEvent(event, 'timerFired') && retry.attempt <= retry.maxAttempts) this.#retry(retry);
  }

  addAction(index: number): void {
    const action = this.actions[index]!;
    switch (action.kind) {
      case 'externalEvent':
        return;
      case 'release':
        this.#release();
        return;
      case 'timer':
        this.#addTimer(index, action.fireAtMs);
        return;
      case 'lock':
        this.#lock = { requestId: action.requestId, entityIds: action.entityIds };
        break;
      case 'activity':
      case 'subOrchestration':
        if (action.retry !== undefined) this.#addRetry(index, action.retry);
        break;
    }
    this.#tasks.push({ id: this.#nextId++, action });
  }

  /** The library marks a timer it cancels in the list that already held it. */
  cancelTimers(): void {
    for (const [index, id] of this.#openTimers) {
      const action = this.actions[index];
      if (action?.kind !== 'timer' || !action.isCanceled) continue;
      this.#openTimers.delete(index);
      this.#canceledTimerIds.push(id);
    }
  }

  progress(): BookProgress {
    const canceled = new Set(this.#canceledTimerIds);
    return {
      book: {
        nextId: this.#nextId,
        // A failing turn may answer with a shorter list, but nothing follows it.
        actionCount: Math.max(this.book.actionCount, this.actions.length),
        openTimers: [...this.#openTimers],
        retries: [...this.#retries],
        lock: this.#lock,
      },
      tasks: this.#tasks.filter(({ id }) => !canceled.has(id)),
      canceledTimerIds: this.#canceledTimerIds,
    };
  }

  #addTimer(index: number, fireAtMs: number): void {
    const id = this.#nextId++;
    this.#openTimers.set(index, id);
    this.#tasks.push({ id, action: { kind: 'timer', fireAtMs } });
  }

  #forgetTimer(id: number): void {
    for (const [index, openId] of this.#openTimers) if (openId === id) this.#openTimers.delete(index);
  }

  #addRetry(actionIndex: number, { maxNumberOfAttempts }: RetryOptions): void {
    this.#retries.set(this.#nextId, {
      actionIndex,
      attempt: 1,
      maxAttempts: maxNumberOfAttempts,
      waitsFor: 'attempt',
      firstScheduledMs: this.nowMs,
    });
  }

  /** Also after the last attempt: the library waits for one more timer before it throws. */
  #waitBeforeRetry(retry: Retry): void {
    const id = this.#nextId++;
    const delayMs = retry.attempt < retry.maxAttempts ? this.#delayMs(retry) : 0;
    this.#retries.set(id, { ...retry, attempt: retry.attempt + 1, waitsFor: 'timer' });
    this.#tasks.push({ id, action: { kind: 'timer', fireAtMs: this.nowMs + delayMs } });
  }

  #retry(retry: Retry): void {
    const action = this.actions[retry.actionIndex];
    if (action?.kind !== 'activity' && action?.kind !== 'subOrchestration') return;
    const id = this.#nextId++;
    this.#retries.set(id, { ...retry, waitsFor: 'attempt' });
    this.#tasks.push({ id, action });
  }

  #delayMs({ actionIndex, attempt, firstScheduledMs }: Retry): number {
    const action = this.actions[actionIndex];
    const options = action !== undefined && 'retry' in action ? action.retry : undefined;
    if (options === undefined) return 0;
    const { retryTimeoutInMilliseconds = Number.POSITIVE_INFINITY } = options;
    // The library retries on when the time is over (it knows no time limit), so the rest is tried without a pause.
    if (this.nowMs - firstScheduledMs >= retryTimeoutInMilliseconds) return 0;
    return retryDelayMs(options, attempt);
  }

  /** Takes one id for each entity that was locked. */
  #release(): void {
    if (this.#lock === null) return;
    this.#tasks.push({ id: this.#nextId, action: { kind: 'release', ...this.#lock } });
    this.#nextId += this.#lock.entityIds.length;
    this.#lock = null;
  }
}

/** @param failedAttempt 1 for the first */
export function retryDelayMs(options: RetryOptions, failedAttempt: number): number {
  const { backoffCoefficient = 1, maxRetryIntervalInMilliseconds = Number.POSITIVE_INFINITY } = options;
  const delayMs = options.firstRetryIntervalInMilliseconds * backoffCoefficient ** (failedAttempt - 1);
  return Math.min(delayMs, maxRetryIntervalInMilliseconds);
}

function retryOf(book: ActionBook, event: HistoryEvent): Retry | undefined {
  const id = completedTaskId(event);
  return id === undefined ? undefined : book.retries.find(([openId]) => openId === id)?.[1];
}
