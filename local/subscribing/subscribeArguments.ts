// What `npm run subscribe` takes on the command line. No I/O.

import type { CommandDefinition, OptionDefinitions, OptionValues } from '../commandLine/arguments.js';
import { noPositionals } from '../commandLine/arguments.js';
import { stateOption } from '../commandLine/commonOptions.js';

export const subscribeCommand = {
  invocation: 'npm run subscribe --',
  summary:
    'Follows the alerts of a running npm start, as they come. Each is shown once, however often it is published. Ctrl-C ends it.',
  positionals: noPositionals,
  options: {
    device: {
      kind: 'text',
      placeholder: 'PATTERN',
      description: 'only devices that match; * stands for any characters',
    },
    since: {
      kind: 'text',
      placeholder: 'TIME',
      description:
        'also alerts published since then: a duration back, as 90s, 15m, 2h or 1d, a time in ISO 8601, or "beginning"',
    },
    count: {
      kind: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      description: 'end after so many alerts',
    },
    json: { kind: 'flag', description: 'a CloudEvent a line, for programs' },
    state: stateOption,
  },
  examples: [
    ['npm run subscribe', 'what comes from now on'],
    ['npm run subscribe -- --since 1h --device "sensor-*"', 'the last hour too, of some devices'],
    ['npm run --silent subscribe -- --json', 'for programs'],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

export type SubscribeOptions = OptionValues<typeof subscribeCommand.options>;

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Where to begin; undefined for a text that says nothing of the kind. */
export function startOf(
  since: string | undefined,
  nowMs: number,
): { readonly enqueuedOn: number } | { readonly offset: '-1' } | undefined {
  if (since === undefined) return { enqueuedOn: nowMs };
  if (since === 'beginning') return { offset: '-1' };
  const duration = /^(\d{1,9}(?:\.\d+)?)([smhd])$/.exec(since);
  if (duration !== null) {
    return { enqueuedOn: Math.max(0, Math.floor(nowMs - Number(duration[1]) * unitMs[duration[2]!]!)) };
  }
  const atMs = /^\d{4}-\d\d-\d\d/.test(since) ? Date.parse(since) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : { enqueuedOn: atMs };
}

/** Whether the whole id matches. */
export function matchesDevice(pattern: string | undefined, deviceId: string): boolean {
  if (pattern === undefined) return true;
  const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return new RegExp(`^${pattern.split('*').map(literal).join('.*')}$`, 's').test(deviceId);
}
