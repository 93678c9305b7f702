// Pure. Which of the waiting events an orchestration's next turn takes.
import { type ActionBook, takesId } from './actionBook.js';
import { type HistoryEvent, isEvent } from './historyEvents.js';
import type { Consumed, InboxMessage, Instance } from './hubState.js';

export type Intake =
  | { readonly kind: 'nothing' }
  /** To suspend, resume or terminate: a turn of its own, without the orchestrator. */
  | { readonly kind: 'control'; readonly event: HistoryEvent; readonly consumed: Consumed }
  | {
      readonly kind: 'events';
      readonly messages: readonly InboxMessage[];
      readonly events: readonly HistoryEvent[];
      readonly consumed: Consumed;
    };

export function takeFromInbox(instance: Instance): Intake {
  const { inbox, executionId } = instance;
  const isLive = (message: InboxMessage) =>
    message.executionId === null || message.executionId === executionId;
  const first = inbox.find((message) => isLive(message) && isTakeable(instance, message));
  if (first === undefined) return { kind: 'nothing' };
  if (isControl(first.event)) {
    const kept = inbox.filter((message) => message.number < first.number && isLive(message));
    return { kind: 'control', event: first.event, consumed: consumedUpTo(first, kept) };
  }
  const messages = sameKind(inbox.filter(isLive), instance.book);
  return {
    kind: 'events',
    messages,
    events: messages.map(({ event }) => event),
    consumed: consumedUpTo(messages.at(-1)!, []),
  };
}

/** The first `count` messages of an intake, when a turn turns out not to need them all. */
export function consumedOf(messages: readonly InboxMessage[], count: number): Consumed {
  return consumedUpTo(messages[count - 1]!, []);
}

/** While suspended, only being resumed or terminated gets through. */
function isTakeable({ status }: Instance, { event }: InboxMessage): boolean {
  return status !== 'Suspended' || isControl(event);
}

function isControl(event: HistoryEvent): boolean {
  return isEvent(event, 'executionTerminated', 'executionSuspended', 'executionResumed');
}

/** The longest run that the action book can count in one turn. */
function sameKind(messages: readonly InboxMessage[], book: ActionBook): InboxMessage[] {
  const first = messages[0];
  if (first === undefined) return [];
  const kind = takesId(book, first.event);
  const end = messages.findIndex(({ event }) => isControl(event) || takesId(book, event) !== kind);
  return messages.slice(0, end < 0 ? messages.length : end);
}

function consumedUpTo(last: InboxMessage, kept: readonly InboxMessage[]): Consumed {
  return { upTo: last.number, except: kept.map(({ number }) => number) };
}
