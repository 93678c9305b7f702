// Alerts of emission `transitions`, computed again from the whole history at every reading: slow and obvious.
import type { Alerts } from '../../shared/pipeline/index.js';

type Rule = Alerts['rules'][number];

export interface PlainReading {
  readonly timeMicros: number;
  readonly values: Readonly<Record<string, number | null>>;
}

export interface Expected {
  readonly transition: string;
  readonly rule: string;
  readonly timeMicros: number;
  readonly openedAtMicros: number;
  readonly outOfOrder: boolean;
}

const urgency = { INFO: 0, WARNING: 1, CRITICAL: 2 };

/** What one group says about each reading. Its memory is what it has said, and the readings before. */
export function expectedAlerts(rules: readonly Rule[], readings: readonly PlainReading[]): Expected[][] {
  const history: PlainReading[] = [];
  const said: Expected[] = [];
  return readings.map((reading) => {
    const newest = Math.max(...history.map(({ timeMicros }) => timeMicros));
    const alerts =
      reading.timeMicros < newest
        ? ofOldReading(rules, reading, said)
        : ofNextReading(rules, [...history, reading], said);
    if (reading.timeMicros >= newest) history.push(reading);
    if (history.length === 0) history.push(reading);
    said.push(...alerts.filter(({ outOfOrder }) => !outOfOrder));
    return alerts;
  });
}

function ofOldReading(rules: readonly Rule[], reading: PlainReading, said: readonly Expected[]): Expected[] {
  const last = said.at(-1);
  if (last !== undefined && last.transition !== 'resolved') return [];
  const waits = (rule: Rule) => (rule.forMs ?? 0) > 0 || (rule.forCount ?? 1) > 1;
  const rule = rules
    .filter((candidate) => !waits(candidate))
    .find((candidate) => matches(candidate, reading));
  if (rule === undefined) return [];
  if (last !== undefined && reading.timeMicros < last.timeMicros) return [];
  if (last !== undefined && reading.timeMicros < last.timeMicros + (rule.cooldownMs ?? 0) * 1000) return [];
  const { timeMicros } = reading;
  const facts = { rule: rule.name, timeMicros, openedAtMicros: timeMicros, outOfOrder: true };
  return [
    { transition: 'raised', ...facts },
    { transition: 'resolved', ...facts },
  ];
}

function ofNextReading(
  rules: readonly Rule[],
  history: readonly PlainReading[],
  said: readonly Expected[],
): Expected[] {
  const last = said.at(-1);
  const open = last === undefined || last.transition === 'resolved' ? undefined : last;
  const reading = history.at(-1)!;
  const winner = rules.find((rule) =>
    rule.name === open?.rule ? holds(rule, reading) : isReady(rule, history),
  );
  const { timeMicros } = reading;
  const facts = { timeMicros, outOfOrder: false };
  if (open === undefined) {
    if (winner === undefined) return [];
    const isCooling = last !== undefined && timeMicros < last.timeMicros + (winner.cooldownMs ?? 0) * 1000;
    if (isCooling) return [];
    return [{ transition: 'raised', rule: winner.name, openedAtMicros: timeMicros, ...facts }];
  }
  const { openedAtMicros } = open;
  if (winner === undefined) return [{ transition: 'resolved', rule: open.rule, openedAtMicros, ...facts }];
  if (winner.name === open.rule) return [];
  const before = rules.find(({ name }) => name === open.rule)!;
  const rise = urgency[winner.severity] - urgency[before.severity];
  const isUp = rise === 0 ? rules.indexOf(winner) < rules.indexOf(before) : rise > 0;
  return [{ transition: isUp ? 'escalated' : 'deescalated', rule: winner.name, openedAtMicros, ...facts }];
}

function matches({ when }: Rule, reading: PlainReading): boolean {
  const value = reading.values[when.field];
  if (value === null || value === undefined) return false;
  const order = Math.sign(value - when.threshold);
  return { '>': [1], '>=': [0, 1], '<': [-1], '<=': [-1, 0], '==': [0], '!=': [-1, 1] }[when.is].includes(
    order,
  );
}

function holds(rule: Rule, reading: PlainReading): boolean {
  const { field, is, clearAt } = rule.when;
  const value = reading.values[field];
  if (value === null || value === undefined || matches(rule, reading)) return true;
  if (clearAt === undefined) return false;
  return is.startsWith('>') ? value > clearAt : value < clearAt;
}

/** Goes back over the readings that have the field, as long as they match. */
function isReady(rule: Rule, history: readonly PlainReading[]): boolean {
  const now = history.at(-1)!;
  if (!matches(rule, now)) return false;
  const known = history.filter(({ values }) => values[rule.when.field] !== null);
  const lastMiss = known.findLastIndex((reading) => !matches(rule, reading));
  const run = known.slice(lastMiss + 1);
  return (
    run.length >= (rule.forCount ?? 1) && now.timeMicros - run[0]!.timeMicros >= (rule.forMs ?? 0) * 1000
  );
}
