// Pure. What is remembered of a device, and its form as nested arrays of numbers.
import { TributaryError } from '../base/index.js';
import type { AlertSeverity } from '../pipeline/index.js';
import type { AlertPlan, GroupPlan } from './plan.js';

/** Readings in a row that met a rule's condition. */
export interface Run {
  /** Event time of the first one. */
  readonly sinceMicros: number;
  /** Counted up to the rule's `forCount`. */
  count: number;
}

export interface GroupState {
  /** Position in the group's rules. */
  open: { ruleIndex: number; readonly openedAtMicros: number } | undefined;
  /** When the group was last resolved: where its present normal run begins. */
  resolvedAtMicros: number | undefined;
  /** By position in the group's rules. */
  readonly runs: (Run | undefined)[];
}

/** An open alert whose rule the pipeline no longer has. */
export interface Orphan {
  readonly rule: string;
  readonly group: string;
  readonly severity: AlertSeverity;
  readonly openedAtMicros: number;
}

export interface DeviceState {
  /** Greatest event time of any reading. */
  lastEventTimeMicros: number | undefined;
  silentSinceMicros: number | undefined;
  /** By position in the plan's groups. */
  readonly groups: (GroupState | undefined)[];
  orphans: readonly Orphan[];
}

/** The group that silence counts as. */
export const silenceGroup = 'silence';

const version = 1;
const severities: readonly AlertSeverity[] = ['INFO', 'WARNING', 'CRITICAL'];

export function severityRank(severity: AlertSeverity): number {
  return severities.indexOf(severity);
}

export function freshState(): DeviceState {
  return { lastEventTimeMicros: undefined, silentSinceMicros: undefined, groups: [], orphans: [] };
}

export function freshGroup(): GroupState {
  return { open: undefined, resolvedAtMicros: undefined, runs: [] };
}

/**
 * `[1, last event time or null, open alerts, groups]`, where
 * - an open alert is `[opened at, severity 0..2, rule, group]`, names as arrays of UTF-16 codes: they must be known still
 *   when the pipeline no longer has the rule;
 * - a group is `[key, resolved at or null, runs]`, a run `[rule key, since, count]`; groups that hold neither are left out.
 *
 * Names and keys in place of positions let the pipeline be edited while alerts are open.
 */
export function encodeState(state: DeviceState, plan: AlertPlan): readonly unknown[] {
  const open = openOf(state, plan).map(({ openedAtMicros, severity, rule, group }) => [
    openedAtMicros,
    severityRank(severity),
    codesOf(rule),
    codesOf(group),
  ]);
  const groups = state.groups.flatMap((group, position) => {
    const planned = plan.groups[position]!;
    const runs = (group?.runs ?? []).flatMap((run, rule) =>
      run === undefined ? [] : [[planned.rules[rule]!.key, run.sinceMicros, run.count]],
    );
    const resolvedAtMicros = group?.resolvedAtMicros ?? null;
    return runs.length === 0 && resolvedAtMicros === null ? [] : [[planned.key, resolvedAtMicros, runs]];
  });
  return [version, state.lastEventTimeMicros ?? null, open, groups];
}

export function openOf(state: DeviceState, plan: AlertPlan): readonly Orphan[] {
  const open = state.groups.flatMap((group, position) => {
    if (group?.open === undefined) return [];
    const planned = plan.groups[position]!;
    const { name, severity } = planned.rules[group.open.ruleIndex]!;
    return [{ rule: name, group: planned.name, severity, openedAtMicros: group.open.openedAtMicros }];
  });
  const { silentSinceMicros } = state;
  if (silentSinceMicros !== undefined && plan.silence !== undefined) {
    const { name: rule, severity } = plan.silence;
    open.push({ rule, group: silenceGroup, severity, openedAtMicros: silentSinceMicros });
  }
  return [...open, ...state.orphans];
}

/** @throws TributaryError STATE_UNREADABLE when no version of ours wrote it */
export function decodeState(value: unknown, plan: AlertPlan): DeviceState {
  const [found, lastEventTime, open, groups] = arrayOf(value);
  if (found !== version) throw unreadable(`the version ${String(found)}`);
  const state = freshState();
  state.lastEventTimeMicros = optionalNumber(lastEventTime);
  for (const group of arrayOf(groups)) decodeGroup(arrayOf(group), state, plan);
  state.orphans = arrayOf(open).flatMap((alert) => adopted(decodeOpen(arrayOf(alert)), state, plan) ?? []);
  return state;
}

/** A group that the plan no longer has is forgotten, as is what a rule it no longer has was waiting for. */
function decodeGroup(values: readonly unknown[], state: DeviceState, plan: AlertPlan): void {
  const [key, resolvedAt, runs] = values;
  const position = plan.groups.findIndex((group) => group.key === numberOf(key));
  const planned = plan.groups[position];
  const group = freshGroup();
  group.resolvedAtMicros = optionalNumber(resolvedAt);
  for (const run of arrayOf(runs)) {
    const [ruleKey, sinceMicros, count] = arrayOf(run).map(numberOf);
    if (ruleKey === undefined || sinceMicros === undefined || count === undefined)
      throw unreadable('a short run');
    const rule = planned?.rules.findIndex((candidate) => candidate.key === ruleKey) ?? -1;
    if (planned?.rules[rule]?.isDebounced) group.runs[rule] = { sinceMicros, count };
  }
  if (planned !== undefined && plan.emit === 'transitions') state.groups[position] = group;
}

function decodeOpen(values: readonly unknown[]): Orphan {
  const [openedAt, rank, rule, group] = values;
  const severity = severities[numberOf(rank)];
  if (severity === undefined) throw unreadable('an unknown severity');
  return { openedAtMicros: numberOf(openedAt), severity, rule: textOf(rule), group: textOf(group) };
}

/** Gives the alert back to the rule that raised it; returns it when the plan has no such rule. */
function adopted(alert: Orphan, state: DeviceState, plan: AlertPlan): Orphan | undefined {
  const { openedAtMicros } = alert;
  if (alert.group === silenceGroup && alert.rule === plan.silence?.name) {
    state.silentSinceMicros = openedAtMicros;
    return undefined;
  }
  const position = plan.groups.findIndex((group) => group.name === alert.group);
  const ruleIndex = ruleIndexOf(plan.groups[position], alert.rule);
  if (ruleIndex < 0 || plan.emit === 'every') return alert;
  const group = state.groups[position] ?? freshGroup();
  state.groups[position] = group;
  group.open = { ruleIndex, openedAtMicros };
  return undefined;
}

function ruleIndexOf(group: GroupPlan | undefined, rule: string): number {
  return group?.rules.findIndex(({ name }) => name === rule) ?? -1;
}

function codesOf(text: string): number[] {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}

function textOf(codes: unknown): string {
  return arrayOf(codes)
    .map((code) => String.fromCharCode(numberOf(code)))
    .join('');
}

function arrayOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw unreadable(`${value === null ? 'null' : `a ${typeof value}`} in place of an array`);
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  throw unreadable(`${value === null ? 'null' : `a ${typeof value}`} in place of a number`);
}

function optionalNumber(value: unknown): number | undefined {
  return value === null ? undefined : numberOf(value);
}

function unreadable(found: string): TributaryError {
  return new TributaryError(
    'STATE_UNREADABLE',
    `The stored state of a device's alerts has ${found}. Either a later version of this app wrote it, which must then run here, or it is damaged`,
  );
}
