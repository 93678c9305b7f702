// Pure. Events of the alert hub as lines of text, each alert once.
import type { AlertCloudEvent } from '../../shared/results/index.js';
import { type Style, visibleText } from '../terminal/index.js';

/** What came from the hub: an alert, or the reason why it is none. */
export type ReceivedAlert =
  | { readonly kind: 'alert'; readonly event: AlertCloudEvent }
  | { readonly kind: 'unreadable'; readonly reason: string };

export function readAlert(body: unknown): ReceivedAlert {
  const event = typeof body === 'string' ? parsed(body) : body;
  if (typeof event !== 'object' || event === null)
    return { kind: 'unreadable', reason: 'it is no JSON object' };
  const { specversion, id, type, time, subject, data } = event as Readonly<Record<string, unknown>>;
  const texts = [id, type, time, subject];
  const isAlert = specversion === '1.0' && texts.every((text) => typeof text === 'string');
  if (!isAlert || !String(type).startsWith('io.tributary.alert.')) {
    return { kind: 'unreadable', reason: 'it is no CloudEvent of an alert' };
  }
  if (typeof data !== 'object' || data === null) return { kind: 'unreadable', reason: 'it has no data' };
  return { kind: 'alert', event: event as AlertCloudEvent };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // reported as no JSON object
  }
}

/** `2025-10-06 10:00:12  CRITICAL  raised       device_3  Critical temperature detected: 36°C` */
export function alertLine({ time, subject, data }: AlertCloudEvent, style: Style): string {
  const { severity, transition, message } = data;
  const colour = transition === 'resolved' ? style.green : colourOf(severity, style);
  const late = data.outOfOrder ? style.dim(' (out of order)') : '';
  return [
    style.dim(visibleText(time.replace('T', ' ').slice(0, 19))),
    colour(visibleText(String(severity)).padEnd(8)),
    colour(visibleText(String(transition)).padEnd(11)),
    style.bold(visibleText(subject)),
    `${visibleText(String(message))}${late}`,
  ].join('  ');
}

function colourOf(severity: string, style: Style): (text: string) => string {
  if (severity === 'CRITICAL') return style.red;
  return severity === 'WARNING' ? style.yellow : (text) => text;
}

/** Ids seen lately; the oldest are forgotten. */
export class SeenIds {
  readonly #ids = new Set<string>();

  constructor(private readonly limit = 100_000) {}

  /** Whether the id is new; it is not the next time. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > this.limit && oldest !== undefined) this.#ids.delete(oldest);
    return true;
  }
}
