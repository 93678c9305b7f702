// Pure. Whether a value meets a rule's condition.
import type { AlertPlan, GroupPlan, RulePlan } from './plan.js';

/** Null matches nothing. */
export function isBreached(rule: RulePlan, value: number | null | undefined): boolean {
  if (value === null || value === undefined) return false;
  switch (rule.is) {
    case '>':
      return value > rule.threshold;
    case '>=':
      return value >= rule.threshold;
    case '<':
      return value < rule.threshold;
    case '<=':
      return value <= rule.threshold;
    case '==':
      return value === rule.threshold;
    case '!=':
      return value !== rule.threshold;
  }
}

/**
 * Whether an open alert stays open: the condition is met, or the value is not back at `clearAt`. A reading without the
 * value says nothing, so the alert stays open.
 */
export function isHeld(rule: RulePlan, value: number | null | undefined): boolean {
  if (value === null || value === undefined || isBreached(rule, value)) return true;
  if (rule.clearAt === undefined) return false;
  return rule.is === '>' || rule.is === '>=' ? value > rule.clearAt : value < rule.clearAt;
}

/** The first rule whose condition the values meet, whatever it waits for. */
export function firstBreached(group: GroupPlan, values: readonly (number | null)[]): RulePlan | undefined {
  for (const rule of group.rules) if (isBreached(rule, values[rule.fieldIndex])) return rule;
  return undefined;
}

/** Whether a reading with these values could raise an alert, whatever came before it. */
export function mayBreach(plan: AlertPlan, values: readonly (number | null)[]): boolean {
  for (const group of plan.groups) if (firstBreached(group, values) !== undefined) return true;
  return false;
}
