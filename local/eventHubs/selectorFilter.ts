// Pure. Where a consumer wants to start: the selector strings that Event Hubs clients put on a receiver link.

export type StartPosition =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'offset'; readonly offset: number; readonly isInclusive: boolean }
  | { readonly kind: 'sequenceNumber'; readonly sequenceNumber: number; readonly isInclusive: boolean }
  /** Events enqueued after this time; always exclusive. */
  | { readonly kind: 'enqueuedTime'; readonly enqueuedMs: number };

const selector =
  /^amqp\.annotation\.(x-opt-offset|x-opt-sequence-number|x-opt-enqueued-time) (>=?) '(-?\d{1,16}|@latest)'$/;

/** @returns undefined for text outside of the grammar, to be refused with `com.microsoft:argument-error` */
export function parseSelector(text: string): StartPosition | undefined {
  const match = selector.exec(text);
  if (match === null) return undefined;
  const [, annotation, operator, value = ''] = match;
  const isInclusive = operator === '>=';
  if (value === '@latest') return annotation === 'x-opt-offset' ? { kind: 'latest' } : undefined;
  const number = Number(value);
  switch (annotation) {
    case 'x-opt-offset':
      return number < 0 ? { kind: 'earliest' } : { kind: 'offset', offset: number, isInclusive };
    case 'x-opt-sequence-number':
      return { kind: 'sequenceNumber', sequenceNumber: number, isInclusive };
    default:
      return isInclusive ? undefined : { kind: 'enqueuedTime', enqueuedMs: number };
  }
}
