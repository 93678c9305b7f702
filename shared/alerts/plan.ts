// Pure. The pipeline's alerts -> a plan that readings are evaluated by: fields by position, rules by group.
import { TributaryError } from '../base/index.js';
import {
  type AlertComparison,
  type AlertSeverity,
  type Alerts,
  parseTemplate,
  placeholdersOf,
  type SilenceRule,
} from '../pipeline/index.js';
import { nameKey } from './stableId.js';

export interface RulePlan {
  readonly name: string;
  /** Stands for the name in states. */
  readonly key: number;
  readonly severity: AlertSeverity;
  readonly field: string;
  readonly fieldIndex: number;
  readonly is: AlertComparison;
  readonly threshold: number;
  readonly clearAt: number | undefined;
  readonly message: Message;
  /** The condition must hold for a while or a number of readings first. */
  readonly isDebounced: boolean;
  readonly forMicros: number;
  readonly forCount: number;
  readonly cooldownMicros: number;
}

export type Message = readonly (
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly fieldIndex: number }
  | { readonly kind: 'device' }
)[];

export interface GroupPlan {
  readonly name: string;
  readonly key: number;
  /** The first that matches wins. */
  readonly rules: readonly RulePlan[];
  readonly longestCooldownMicros: number;
}

export interface AlertPlan {
  readonly fieldNames: readonly string[];
  readonly emit: Alerts['emit'];
  readonly groups: readonly GroupPlan[];
  readonly silence: SilenceRule | undefined;
  /** The values of alerts that no reading caused. */
  readonly noValues: readonly null[];
}

/** Fields that readings must carry for these alerts: those of conditions and messages, each once. */
export function alertFields(alerts: Alerts): readonly string[] {
  const names = alerts.rules.flatMap((rule) => [
    rule.when.field,
    ...placeholdersOf(rule.message).filter((name) => name !== 'device'),
  ]);
  return [...new Set(names)];
}

/**
 * @param fieldNames fieldNames[i] belongs to values[i] of every reading; at least `alertFields(alerts)`
 * @throws TributaryError CONFIG_INVALID for a rule whose field is not among them
 */
export function planAlerts(alerts: Alerts, fieldNames: readonly string[]): AlertPlan {
  const rulesOf = new Map<string, RulePlan[]>();
  for (const rule of alerts.rules) {
    const planned = planRule(rule, fieldNames);
    const rules = rulesOf.get(rule.group);
    if (rules === undefined) rulesOf.set(rule.group, [planned]);
    else rules.push(planned);
  }
  return {
    fieldNames,
    emit: alerts.emit,
    groups: [...rulesOf].map(([name, rules]) => ({
      name,
      key: nameKey(name),
      rules,
      longestCooldownMicros: Math.max(...rules.map((rule) => rule.cooldownMicros)),
    })),
    silence: alerts.silence,
    noValues: fieldNames.map(() => null),
  };
}

function planRule(rule: Alerts['rules'][number], fieldNames: readonly string[]): RulePlan {
  const { name, severity, when, forMs = 0, forCount = 1, cooldownMs = 0 } = rule;
  return {
    name,
    key: nameKey(name),
    severity,
    field: when.field,
    fieldIndex: positionOf(when.field, name, fieldNames),
    is: when.is,
    threshold: when.threshold,
    clearAt: when.clearAt,
    message: planMessage(rule.message, name, fieldNames),
    isDebounced: forMs > 0 || forCount > 1,
    forMicros: forMs * 1000,
    forCount,
    cooldownMicros: cooldownMs * 1000,
  };
}

function planMessage(message: string, rule: string, fieldNames: readonly string[]): Message {
  return parseTemplate(message).map((part) => {
    if (part.kind === 'text') return part;
    if (part.name === 'device') return { kind: 'device' };
    return { kind: 'value', fieldIndex: positionOf(part.name, rule, fieldNames) };
  });
}

function positionOf(field: string, rule: string, fieldNames: readonly string[]): number {
  const position = fieldNames.indexOf(field);
  if (position >= 0) return position;
  throw new TributaryError(
    'CONFIG_INVALID',
    `Alert rule "${rule}" uses the field "${field}", which the readings do not carry; they carry: ${fieldNames.join(', ')}`,
  );
}
