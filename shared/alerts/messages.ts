// Pure. The texts of alerts.
import type { SilenceRule } from '../pipeline/index.js';
import { parseTemplate } from '../pipeline/index.js';
import type { RulePlan } from './plan.js';

/** Numbers as JavaScript prints them: 36.5, and 36 for 36.0. */
export function breachMessage(rule: RulePlan, deviceId: string, values: readonly (number | null)[]): string {
  return rule.message
    .map((part) => {
      if (part.kind === 'text') return part.text;
      if (part.kind === 'device') return deviceId;
      return String(values[part.fieldIndex] ?? 'unknown');
    })
    .join('');
}

export function resolvedMessage(rule: string, field: string, value: number | null): string {
  return `Resolved: ${rule}, ${field} ${value ?? 'unknown'}`;
}

export function givenUpMessage(rule: string, deviceId: string): string {
  return `Resolved: ${rule}, nothing has been heard of ${deviceId} for so long that it is forgotten`;
}

export function removedMessage(rule: string): string {
  return `Resolved: ${rule} is no longer among the pipeline's rules`;
}

/** Minutes with at most one decimal. */
export function silenceMessage(rule: SilenceRule, deviceId: string, silentMs: number): string {
  const minutes = String(Math.round(silentMs / 6_000) / 10);
  return parseTemplate(rule.message)
    .map((part) => {
      if (part.kind === 'text') return part.text;
      return part.name === 'device' ? deviceId : minutes;
    })
    .join('');
}

export function silenceEndedMessage(rule: string, deviceId: string): string {
  return `Resolved: ${rule}, ${deviceId} sends again`;
}
