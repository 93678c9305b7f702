// Pure. A pipeline compiled for its shards.
import { type AlertPlan, alertFields, planAlerts } from '../alerts/index.js';
import type { Pipeline } from '../pipeline/index.js';
import { planWindows, type WindowPlan } from '../windows/index.js';
import { type ShardLimits, shardLimits } from './limits.js';

export interface ShardPlan {
  readonly windows: WindowPlan;
  readonly alerts: AlertPlan;
  /** Number fields that signals carry: the metrics of the windows first, then what else the alerts need. */
  readonly fields: readonly string[];
  readonly metricCount: number;
  readonly allowedLatenessMs: number;
  readonly idleTimeoutMs: number;
  /** undefined without a rule about silence */
  readonly silence: { readonly name: string; readonly silentForMs: number } | undefined;
  /** Definitions whose open windows are shown in the latest state. */
  readonly updatedWindows: ReadonlySet<string>;
  /** 0: the latest state is not published. */
  readonly latestStateIntervalMs: number;
  readonly limits: ShardLimits;
}

/** Whether readings go to shards at all: a pipeline without windows and alerts has none. */
export function hasShards({ windows, alerts }: Pipeline): boolean {
  return windows.definitions.length > 0 || alerts.rules.length > 0 || alerts.silence !== undefined;
}

/** @throws TributaryError CONFIG_INVALID, as `planWindows` does */
export function planShards(pipeline: Pipeline): ShardPlan {
  const { windows, alerts } = pipeline;
  const fields = shardFields(pipeline);
  return {
    windows: planWindows(windows),
    alerts: planAlerts(alerts, fields),
    fields,
    metricCount: windows.metrics.length,
    allowedLatenessMs: windows.allowedLatenessMs,
    idleTimeoutMs: windows.idleTimeoutMs,
    silence: alerts.silence,
    updatedWindows: new Set(
      windows.definitions.filter(({ output }) => output !== 'append').map(({ name }) => name),
    ),
    latestStateIntervalMs: windows.latestStateIntervalMs,
    limits: shardLimits(windows.maxShardBytes),
  };
}

/** Names of the number fields that windows or alerts use. */
export function shardFields({ windows, alerts }: Pipeline): readonly string[] {
  return [...new Set([...windows.metrics, ...alertFields(alerts)])];
}
