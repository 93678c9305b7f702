// Pure. The alerts of one device: readings and time in, alerts out.
import {
  alertOfArrival,
  alertOfReading,
  alertWithoutReading,
  type ReadingAlertFacts,
} from './alertRecord.js';
import { firstBreached, isBreached, isHeld } from './conditions.js';
import {
  breachMessage,
  givenUpMessage,
  removedMessage,
  resolvedMessage,
  silenceEndedMessage,
  silenceMessage,
} from './messages.js';
import type { AlertPlan, GroupPlan, RulePlan } from './plan.js';
import {
  type DeviceState,
  decodeState,
  encodeState,
  freshGroup,
  freshState,
  type GroupState,
  openOf,
  severityRank,
  silenceGroup,
} from './state.js';
import type { Alert, AlertReading, OpenAlert } from './types.js';

const none: readonly Alert[] = [];

/**
 * In the emission mode `transitions` each group is closed, or open at one rule:
 * - The winner is the first rule that is ready: its condition is met, and has been for `forMs` and `forCount`; or it is the
 *   open one and holds (`clearAt`). A rule that is still waiting does not stand in the way of those after it.
 * - Closed, with a winner: raised, unless less than the winner's `cooldownMs` has passed since the group was resolved.
 * - Open, with another winner: escalated when that one is more severe, or as severe and before the open one; otherwise
 *   de-escalated. Without a winner: resolved.
 * - A reading without a rule's value says nothing about it: an open alert stays, a run goes on.
 * - A reading older than one before it changes nothing. If it would have raised an alert in a closed group, and is not from
 *   before the group was resolved, that is reported as raised and resolved at once, `outOfOrder`.
 *
 * Silence is raised and resolved in both modes. An open alert whose rule has gone from the pipeline is resolved at once.
 */
export class DeviceAlerts {
  readonly #plan: AlertPlan;
  readonly #state: DeviceState;
  #emitted: Alert[] | undefined;

  private constructor(plan: AlertPlan, state: DeviceState) {
    this.#plan = plan;
    this.#state = state;
  }

  static fresh(plan: AlertPlan): DeviceAlerts {
    return new DeviceAlerts(plan, freshState());
  }

  /** @throws TributaryError STATE_UNREADABLE when `state` is nothing that `encode` of this or an earlier version wrote */
  static decode(state: unknown, plan: AlertPlan): DeviceAlerts {
    return new DeviceAlerts(plan, decodeState(state, plan));
  }

  /** Numbers, nulls and arrays only. */
  encode(): readonly unknown[] {
    return encodeState(this.#state, this.#plan);
  }

  /** Call it once for each reading, in the order they arrive. */
  evaluate(deviceId: string, reading: AlertReading): readonly Alert[] {
    this.#emitted = undefined;
    const state = this.#state;
    const { emit, groups } = this.#plan;
    if (state.orphans.length > 0) this.#resolveOrphans(deviceId, reading);
    if (state.silentSinceMicros !== undefined) this.#endSilence(deviceId, reading);
    // -0 would not survive JSON.
    const eventTimeMicros = reading.eventTimeMicros + 0;
    const last = state.lastEventTimeMicros;
    const isOld = last !== undefined && eventTimeMicros < last;
    for (let position = 0; position < groups.length; position++) {
      const group = groups[position]!;
      if (emit === 'every') this.#reportBreach(deviceId, reading, group);
      else if (isOld) this.#reportOld(deviceId, reading, position);
      else this.#advance(deviceId, reading, position);
    }
    if (!isOld) state.lastEventTimeMicros = eventTimeMicros;
    return this.#emitted ?? none;
  }

  /**
   * Raises silence, once, when the device's last reading arrived too long ago.
   * @param silentSinceMs later than that when nobody was listening for a while
   */
  tick(
    deviceId: string,
    lastArrivalMs: number,
    nowMs: number,
    silentSinceMs = lastArrivalMs,
  ): readonly Alert[] {
    this.#emitted = undefined;
    const state = this.#state;
    const { silence } = this.#plan;
    if (state.orphans.length > 0) this.#resolveOrphans(deviceId, undefined);
    const isSilent = silence !== undefined && nowMs - silentSinceMs >= silence.silentForMs;
    if (!isSilent || state.silentSinceMicros !== undefined) return this.#emitted ?? none;
    const lastEventTimeMicros = state.lastEventTimeMicros ?? lastArrivalMs * 1000;
    const openedAtMicros = lastEventTimeMicros + silence.silentForMs * 1000;
    state.silentSinceMicros = openedAtMicros;
    const { name: rule, severity } = silence;
    const message = silenceMessage(silence, deviceId, nowMs - lastArrivalMs);
    const alert = { rule, group: silenceGroup, severity, message, openedAtMicros };
    const raised = { transition: 'raised', ...alert, eventTimeMicros: openedAtMicros } as const;
    this.#push(alertWithoutReading(deviceId, raised, lastArrivalMs, this.#plan));
    return this.#emitted ?? none;
  }

  /** Resolves what is open of a device that is about to be forgotten. */
  giveUp(deviceId: string, lastArrivalMs: number): readonly Alert[] {
    this.#emitted = undefined;
    const { lastEventTimeMicros } = this.#state;
    for (const { rule, group, severity, openedAtMicros } of openOf(this.#state, this.#plan)) {
      const message = givenUpMessage(rule, deviceId);
      const eventTimeMicros = Math.max(openedAtMicros, lastEventTimeMicros ?? openedAtMicros);
      const alert = { transition: 'resolved', rule, group, severity, message, openedAtMicros } as const;
      this.#push(alertWithoutReading(deviceId, { ...alert, eventTimeMicros }, lastArrivalMs, this.#plan));
    }
    this.#state.orphans = [];
    this.#state.groups.length = 0;
    this.#state.silentSinceMicros = undefined;
    return this.#emitted ?? none;
  }

  /**
   * Forgetting the device now changes no later alert, but for readings older than its last one. With a silence rule that
   * is never so: a device that was heard of may fall silent, and a silent one may return.
   */
  get isQuiet(): boolean {
    const { lastEventTimeMicros, orphans, groups } = this.#state;
    if (orphans.length > 0) return false;
    if (lastEventTimeMicros === undefined) return true;
    if (this.#plan.silence !== undefined) return false;
    return groups.every((group, position) => {
      if (group === undefined) return true;
      if (group.open !== undefined || group.runs.some((run) => run !== undefined)) return false;
      const normalMicros = lastEventTimeMicros - (group.resolvedAtMicros ?? Number.NEGATIVE_INFINITY);
      return normalMicros >= this.#plan.groups[position]!.longestCooldownMicros;
    });
  }

  openAlerts(): readonly OpenAlert[] {
    return openOf(this.#state, this.#plan).map((open) => {
      const group = this.#plan.groups.find(({ name }) => name === open.group);
      const field = group?.rules.find(({ name }) => name === open.rule)?.field ?? null;
      return { ...open, field };
    });
  }

  #reportBreach(deviceId: string, reading: AlertReading, group: GroupPlan): void {
    const rule = firstBreached(group, reading.values);
    if (rule === undefined) return;
    const message = breachMessage(rule, deviceId, reading.values);
    this.#emit({ deviceId, reading, group, rule, transition: 'breach', message, openedAtMicros: null });
  }

  #advance(deviceId: string, reading: AlertReading, position: number): void {
    const group = this.#plan.groups[position]!;
    const winner = this.#winnerOf(group, position, reading);
    const state = this.#state.groups[position];
    const open = state?.open;
    if (open === undefined) {
      if (winner >= 0) this.#raise(deviceId, reading, position, winner);
      return;
    }
    if (winner === open.ruleIndex) return;
    if (winner < 0) this.#resolve(deviceId, reading, position);
    else this.#change(deviceId, reading, group, open, winner);
  }

  /** Position of the rule that wins, or -1. Runs are counted for every rule, also for those after the winner. */
  #winnerOf(group: GroupPlan, position: number, reading: AlertReading): number {
    const openIndex = this.#state.groups[position]?.open?.ruleIndex;
    let winner = -1;
    for (let index = 0; index < group.rules.length; index++) {
      const rule = group.rules[index]!;
      const value = reading.values[rule.fieldIndex];
      let isReady = isBreached(rule, value);
      if (rule.isDebounced && value !== null && value !== undefined) {
        isReady = this.#continueRun(position, index, isReady, reading.eventTimeMicros + 0);
      }
      if (winner < 0 && (index === openIndex ? isHeld(rule, value) : isReady)) winner = index;
    }
    return winner;
  }

  /** Returns whether the rule has waited long enough. */
  #continueRun(position: number, index: number, isBreach: boolean, eventTimeMicros: number): boolean {
    const rule = this.#plan.groups[position]!.rules[index]!;
    const runs = this.#state.groups[position]?.runs;
    if (!isBreach) {
      if (runs?.[index] !== undefined) runs[index] = undefined;
      return false;
    }
    let run = runs?.[index];
    if (run === undefined) {
      run = { sinceMicros: eventTimeMicros, count: 0 };
      this.#groupState(position).runs[index] = run;
    }
    run.count = Math.min(run.count + 1, rule.forCount);
    return run.count >= rule.forCount && eventTimeMicros - run.sinceMicros >= rule.forMicros;
  }

  #raise(deviceId: string, reading: AlertReading, position: number, winner: number): void {
    const group = this.#plan.groups[position]!;
    const rule = group.rules[winner]!;
    const openedAtMicros = reading.eventTimeMicros + 0;
    const state = this.#groupState(position);
    if (isCooling(rule, state, openedAtMicros)) return;
    state.open = { ruleIndex: winner, openedAtMicros };
    const message = breachMessage(rule, deviceId, reading.values);
    this.#emit({ deviceId, reading, group, rule, transition: 'raised', message, openedAtMicros });
  }

  #change(
    deviceId: string,
    reading: AlertReading,
    group: GroupPlan,
    open: NonNullable<GroupState['open']>,
    winner: number,
  ): void {
    const rule = group.rules[winner]!;
    const difference = severityRank(rule.severity) - severityRank(group.rules[open.ruleIndex]!.severity);
    const isMoreUrgent = difference > 0 || (difference === 0 && winner < open.ruleIndex);
    open.ruleIndex = winner;
    const message = breachMessage(rule, deviceId, reading.values);
    const transition = isMoreUrgent ? 'escalated' : 'deescalated';
    const { openedAtMicros } = open;
    this.#emit({ deviceId, reading, group, rule, transition, message, openedAtMicros });
  }

  #resolve(deviceId: string, reading: AlertReading, position: number): void {
    const group = this.#plan.groups[position]!;
    const state = this.#groupState(position);
    if (state.open === undefined) return;
    const { openedAtMicros, ruleIndex } = state.open;
    const rule = group.rules[ruleIndex]!;
    state.open = undefined;
    state.resolvedAtMicros = reading.eventTimeMicros + 0;
    const message = resolvedMessage(rule.name, rule.field, reading.values[rule.fieldIndex] ?? null);
    this.#emit({ deviceId, reading, group, rule, transition: 'resolved', message, openedAtMicros });
  }

  #reportOld(deviceId: string, reading: AlertReading, position: number): void {
    const group = this.#plan.groups[position]!;
    const state = this.#state.groups[position];
    if (state?.open !== undefined) return;
    const rule = group.rules.find(
      (candidate) => !candidate.isDebounced && isBreached(candidate, reading.values[candidate.fieldIndex]),
    );
    if (rule === undefined) return;
    const openedAtMicros = reading.eventTimeMicros + 0;
    if (isCooling(rule, state, openedAtMicros)) return;
    const facts = { deviceId, reading, group, rule, openedAtMicros, outOfOrder: true };
    const message = breachMessage(rule, deviceId, reading.values);
    this.#emit({ ...facts, transition: 'raised', message });
    const ended = `Resolved: ${rule.name}, a reading after this one had arrived already`;
    this.#emit({ ...facts, transition: 'resolved', message: ended });
  }

  #endSilence(deviceId: string, reading: AlertReading): void {
    const { silence } = this.#plan;
    const openedAtMicros = this.#state.silentSinceMicros;
    this.#state.silentSinceMicros = undefined;
    if (silence === undefined || openedAtMicros === undefined) return;
    const { name: rule, severity } = silence;
    const message = silenceEndedMessage(rule, deviceId);
    const alert = { rule, group: silenceGroup, severity, message, openedAtMicros };
    this.#push(alertOfArrival(deviceId, { transition: 'resolved', ...alert }, reading));
  }

  /** @param reading the one that brought it up; undefined in a tick */
  #resolveOrphans(deviceId: string, reading: AlertReading | undefined): void {
    const { orphans, lastEventTimeMicros } = this.#state;
    this.#state.orphans = [];
    for (const orphan of orphans) {
      const { rule, openedAtMicros } = orphan;
      const eventTimeMicros = reading?.eventTimeMicros ?? lastEventTimeMicros ?? openedAtMicros;
      const alert = {
        ...orphan,
        transition: 'resolved',
        message: removedMessage(rule),
        eventTimeMicros,
      } as const;
      this.#push(alertWithoutReading(deviceId, alert, openedAtMicros, this.#plan));
    }
  }

  #emit(facts: ReadingAlertFacts): void {
    this.#push(alertOfReading(facts));
  }

  #push(alert: Alert): void {
    if (this.#emitted === undefined) this.#emitted = [alert];
    else this.#emitted.push(alert);
  }

  #groupState(position: number): GroupState {
    const state = this.#state.groups[position] ?? freshGroup();
    this.#state.groups[position] = state;
    return state;
  }
}

/** Also for readings from before the group was resolved: they belong to the alert that was open then. */
function isCooling(rule: RulePlan, state: GroupState | undefined, eventTimeMicros: number): boolean {
  const resolvedAtMicros = state?.resolvedAtMicros;
  return resolvedAtMicros !== undefined && eventTimeMicros - resolvedAtMicros < rule.cooldownMicros;
}
