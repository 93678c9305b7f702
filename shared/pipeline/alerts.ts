// Pure. The part of a definition that says when readings raise alerts, and who hears of them.
import { readConnection, readEventHub } from './eventHubs.js';
import { numericTypes } from './fields.js';
import { placeholdersOf } from './messageTemplate.js';
import { describeValue, didYouMean } from './problems.js';
import type { Section } from './section.js';
import type { AlertComparison, AlertSeverity, Alerts, Field, Pipeline, SilenceRule } from './types.js';
import { readWebhooks } from './webhooks.js';

type Rule = Alerts['rules'][number];

const alertsKeys = ['rules', 'silence', 'emit', 'eventHub', 'connection', 'webhooks'];
const ruleKeys = ['name', 'group', 'when', 'severity', 'message', 'forMs', 'forCount', 'cooldownMs'];
const conditionKeys = ['field', 'is', 'threshold', 'clearAt'];
const silenceKeys = ['name', 'silentForMs', 'severity', 'message'];
const emissions: readonly Alerts['emit'][] = ['transitions', 'every'];
const severities: readonly AlertSeverity[] = ['INFO', 'WARNING', 'CRITICAL'];
const comparisons: readonly AlertComparison[] = ['>', '>=', '<', '<=', '==', '!='];

const longestMs = 366 * 24 * 60 * 60 * 1000;

/** Rows and messages of silence have this group. */
const silenceGroup = 'silence';

/** @param fields the checked ones: conditions and messages are about them */
export function readAlerts(root: Section, fields: readonly Field[], source: Pipeline['source']): Alerts {
  const section = root.optionalSection('alerts', alertsKeys);
  const emit = section.has('emit')
    ? (section.choice('emit', emissions) ?? 'transitions')
    : ('transitions' as const);
  const names = new Map<string, string>();
  const eventHub = section.has('eventHub') ? readEventHub(section) : 'alerts';
  const connection = readConnection(section, source.connection);
  if (eventHub === source.eventHub && connection === source.connection) {
    section.report(
      'eventHub',
      `is that of the source, so that alerts would be read as readings; name another`,
    );
  }
  return {
    rules: readRules(section, fields, emit, names),
    silence: section.has('silence') ? readSilence(section, names) : undefined,
    emit,
    eventHub,
    connection,
    webhooks: readWebhooks(section),
  };
}

function readRules(
  alerts: Section,
  fields: readonly Field[],
  emit: Alerts['emit'],
  names: Map<string, string>,
): readonly Rule[] {
  const rules: Rule[] = [];
  for (const [index, value] of alerts.list('rules', 'an array of rules').entries()) {
    const section = alerts.element('rules', index, value, ruleKeys);
    const rule = readRule(section, fields, names);
    checkMemory(section, emit);
    if (rule === undefined) continue;
    checkReachable(section, rule, rules);
    rules.push(rule);
  }
  return rules;
}

function readRule(section: Section, fields: readonly Field[], names: Map<string, string>): Rule | undefined {
  const name = readName(section, names);
  const when = readCondition(section, fields);
  const severity = section.choice('severity', severities);
  const numeric = namesOfNumbers(fields);
  const message = readMessage(section, [...numeric, 'device'], 'a text, as "High: {temperature}°C"');
  const group = section.has('group') ? section.text('group', 'a text') : when?.field;
  if (group === silenceGroup)
    section.report('group', `"${silenceGroup}" is kept for silent devices; choose another`);
  const rule = {
    ...(section.has('forMs') && { forMs: readLength(section, 'forMs', 0) }),
    ...(section.has('forCount') && { forCount: readCount(section) }),
    ...(section.has('cooldownMs') && { cooldownMs: readLength(section, 'cooldownMs', 0) }),
  };
  if (name === undefined || when === undefined || severity === undefined) return undefined;
  if (message === undefined || group === undefined) return undefined;
  return { name, group, when, severity, message, ...rule };
}

function readCount(section: Section): number {
  return section.number('forCount', 1, { minimum: 1, maximum: 1_000_000, whole: true });
}

function readLength(section: Section, key: string, minimum: number): number {
  return section.number(key, minimum, { minimum, maximum: longestMs, whole: true });
}

/** Names end up in rows, and states refer to open alerts by them. */
function readName(section: Section, names: Map<string, string>): string | undefined {
  const name = section.text('name', 'a name, as "CRITICAL_TEMPERATURE"');
  if (name === undefined) return undefined;
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(name)) {
    const rule = 'use up to 128 letters, digits, "_", "-" and "."';
    section.report('name', `is ${describeValue(name)}; ${rule}`);
  }
  const rival = names.get(name);
  if (rival !== undefined) section.report('name', `"${name}" is taken by ${rival}; each rule needs its own`);
  else names.set(name, section.path);
  return name;
}

function readCondition(rule: Section, fields: readonly Field[]): Rule['when'] | undefined {
  const section = rule.section('when', conditionKeys);
  const field = readField(section, fields);
  const is = section.choice('is', comparisons);
  const threshold = readNumber(section, 'threshold');
  const clearAt = section.has('clearAt') ? readNumber(section, 'clearAt') : undefined;
  if (field === undefined || is === undefined || threshold === undefined) return undefined;
  if (clearAt === undefined) return { field, is, threshold };
  checkClearAt(section, is, threshold, clearAt);
  return { field, is, threshold, clearAt };
}

function readField(section: Section, fields: readonly Field[]): string | undefined {
  const name = section.text('field', 'the name of a number field');
  if (name === undefined) return undefined;
  const numeric = namesOfNumbers(fields);
  if (numeric.includes(name)) return name;
  const field = fields.find((candidate) => candidate.name === name);
  const what = field === undefined ? 'which is no field' : `a ${field.type} field`;
  const hint = didYouMean(name, numeric);
  section.report(
    'field',
    `is "${name}", ${what}; alerts are about fields of type double, long or integer.${hint}`,
  );
  return undefined;
}

function namesOfNumbers(fields: readonly Field[]): readonly string[] {
  return fields.filter((field) => numericTypes.includes(field.type)).map((field) => field.name);
}

function readNumber(section: Section, key: string): number | undefined {
  const value = section.value(key);
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const what = value === undefined ? 'missing' : `is ${describeValue(value)}`;
  section.report(key, `${what}; it must be a finite number`);
  return undefined;
}

function checkClearAt(section: Section, is: AlertComparison, threshold: number, clearAt: number): void {
  if (is === '==' || is === '!=') {
    section.report('clearAt', `needs a condition with ">", ">=", "<" or "<="; remove it`);
    return;
  }
  const clearsBelow = is === '>' || is === '>=';
  if (clearsBelow ? clearAt <= threshold : clearAt >= threshold) return;
  const side = clearsBelow ? 'above' : 'below';
  const most = clearsBelow ? 'at most' : 'at least';
  section.report(
    'clearAt',
    `is ${clearAt}, ${side} the threshold, so an alert would be cleared while its condition holds; make it ${most} ${threshold}`,
  );
}

function checkMemory(section: Section, emit: Alerts['emit']): void {
  if (emit !== 'every') return;
  const needsMemory = `needs memory, which alerts with emit "every" do not have; remove it or use emit "transitions"`;
  for (const key of ['forMs', 'forCount', 'cooldownMs']) {
    if (section.has(key)) section.report(key, needsMemory);
  }
  const { clearAt } = (section.value('when') ?? {}) as { readonly clearAt?: unknown };
  if (clearAt !== undefined) section.report('when.clearAt', needsMemory);
}

/** The commonest slip: the milder rule comes first and matches whatever the graver one would. */
function checkReachable(section: Section, rule: Rule, before: readonly Rule[]): void {
  const rival = before.find((candidate) => candidate.group === rule.group && hides(candidate, rule));
  if (rival === undefined) return;
  const { is, threshold } = rival.when;
  section.report(
    'when',
    `never wins: "${rival.name}" (${is} ${threshold}) comes first in the group and matches too; move this rule before it`,
  );
}

/** Whether every value that `later` matches is matched by `earlier`, at once. */
function hides(earlier: Rule, later: Rule): boolean {
  if (earlier.when.field !== later.when.field) return false;
  if ((earlier.forMs ?? 0) > 0 || (earlier.forCount ?? 1) > 1) return false;
  const [direction, includes] = [earlier.when.is[0], earlier.when.is.endsWith('=')];
  if (direction !== later.when.is[0] || direction === '!') return false;
  const difference = later.when.threshold - earlier.when.threshold;
  const isEqualHidden = difference === 0 && (includes || !later.when.is.endsWith('='));
  if (direction === '>') return difference > 0 || isEqualHidden;
  if (direction === '<') return difference < 0 || isEqualHidden;
  return difference === 0;
}

function readSilence(alerts: Section, names: Map<string, string>): SilenceRule | undefined {
  const section = alerts.section('silence', silenceKeys);
  const name = readName(section, names);
  const severity = section.choice('severity', severities);
  const message = readMessage(section, ['device', 'minutes'], 'a text, as "{device} is silent"');
  if (!section.has('silentForMs'))
    section.report('silentForMs', 'missing; it must be a time in milliseconds');
  const silentForMs = readLength(section, 'silentForMs', 1000);
  if (name === undefined || severity === undefined || message === undefined) return undefined;
  return { name, silentForMs, severity, message };
}

function readMessage(section: Section, placeholders: readonly string[], purpose: string): string | undefined {
  const message = section.text('message', purpose);
  for (const name of placeholdersOf(message ?? '')) {
    if (placeholders.includes(name)) continue;
    const known = placeholders.map((placeholder) => `{${placeholder}}`).join(', ');
    const hint = didYouMean(name, placeholders);
    section.report('message', `has {${name}}, which stands for nothing; it can have ${known}.${hint}`);
  }
  return message;
}
