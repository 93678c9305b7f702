// Sends a fleet's events at a steady rate, keeps each device in one partition, and counts what must come of them.
import { type Clock, describeError } from '../../shared/base/index.js';
import { type EventPublisher, partitionChooser } from '../sending/publisher.js';
import { type EventKind, eventKinds, type SimulatedEvent } from './events.js';
import type { Fleet } from './fleet.js';

export interface SimulatorTally {
  /** Events the hub has confirmed. */
  readonly events: number;
  readonly bytes: number;
  readonly eventsByKind: Readonly<Record<EventKind, number>>;
  readonly eventsByPartition: Readonly<Record<string, number>>;
  /** Rows that the confirmed events must leave in the tables. */
  readonly expectedReadings: number;
  readonly expectedQuarantined: number;
  /** Of `expectedReadings`, those with something in `_rescued_data`. */
  readonly expectedRescued: number;
  /** Events whose sending failed. The hub may have stored some of them: expectations are exact only when this is 0. */
  readonly uncertainEvents: number;
  readonly lastError: string | undefined;
}

export interface SimulatorOptions {
  readonly fleet: Fleet;
  readonly publisher: EventPublisher;
  readonly eventsPerSecond: number;
  readonly clock: Clock;
  /** Stops by itself after exactly this many events. */
  readonly eventLimit?: number;
  /** Stops by itself after this time. */
  readonly durationMs?: number;
}

export interface Simulator {
  tally(): SimulatorTally;
  /** Resolves when sending has ended: by a limit, or by `stop`. Never rejects; failures are in the tally. */
  readonly finished: Promise<void>;
  /** No new events; waits for those on their way, but no longer than `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

/** Often enough for a steady stream, seldom enough for batches worth sending. */
const tickMs = 100;
/** After a stall (a slow disk, a laptop that slept) at most this much is made up for. */
const largestCatchUpMs = 5000;
const pauseAfterFailureMs = 1000;
const largestTick = 20_000;

export function startSimulator(options: SimulatorOptions): Simulator {
  const counts = new Counts();
  const stopping = new AbortController();
  const givingUp = new AbortController();
  const finished = run(options, counts, stopping.signal, givingUp.signal);
  return {
    tally: () => counts.tally(),
    finished,
    async stop(graceMs = 5000) {
      stopping.abort();
      const done = new AbortController();
      void finished.then(() => done.abort());
      await options.clock.sleep(graceMs, done.signal);
      givingUp.abort();
      await finished;
    },
  };
}

/** How many events are owed by now, at a steady rate since the start. */
class Pace {
  #startMs: number;
  #paced = 0;

  constructor(
    startMs: number,
    private readonly eventsPerSecond: number,
  ) {
    this.#startMs = startMs;
  }

  owed(nowMs: number): number {
    return Math.floor(((nowMs - this.#startMs) * this.eventsPerSecond) / 1000) - this.#paced;
  }

  take(count: number): void {
    this.#paced += count;
  }

  /** Forgets what is owed beyond `largestCatchUpMs`. */
  limit(nowMs: number): void {
    if (this.owed(nowMs) <= (largestCatchUpMs * this.eventsPerSecond) / 1000) return;
    this.#startMs = nowMs - largestCatchUpMs;
    this.#paced = 0;
  }
}

async function run(
  options: SimulatorOptions,
  counts: Counts,
  stopping: AbortSignal,
  givingUp: AbortSignal,
): Promise<void> {
  const { clock, eventsPerSecond, publisher, eventLimit = Number.POSITIVE_INFINITY } = options;
  const choosePartition = partitionChooser(publisher.partitionIds);
  const startMs = clock.nowMs();
  const endMs = startMs + (options.durationMs ?? Number.POSITIVE_INFINITY);
  const pace = new Pace(startMs, eventsPerSecond);
  let generated = 0;
  while (!stopping.aborted && generated < eventLimit) {
    const nowMs = Math.min(clock.nowMs(), endMs);
    pace.limit(nowMs);
    const count = Math.min(pace.owed(nowMs), largestTick, eventLimit - generated);
    if (count > 0) {
      pace.take(count);
      generated += count;
      const events = Array.from({ length: count }, () => options.fleet.next(nowMs));
      const delivered = await sendTick(options, groupByPartition(events, choosePartition), counts, givingUp);
      if (!delivered) await clock.sleep(pauseAfterFailureMs, stopping);
    }
    const afterMs = clock.nowMs();
    const owed = pace.owed(Math.min(afterMs, endMs));
    if (afterMs >= endMs && owed <= 0) break;
    if (owed < largestTick) await clock.sleep(Math.max(1, tickMs - (afterMs - nowMs)), stopping);
  }
}

function groupByPartition(
  events: readonly SimulatedEvent[],
  choosePartition: (key: string) => string,
): Map<string, SimulatedEvent[]> {
  const groups = new Map<string, SimulatedEvent[]>();
  for (const event of events) {
    const partition = choosePartition(event.deviceId);
    const group = groups.get(partition);
    if (group === undefined) groups.set(partition, [event]);
    else group.push(event);
  }
  return groups;
}

/**
 * All partitions at once, one send each; settles when all have, so a slow hub slows the simulator down.
 * @returns false when a send failed
 */
async function sendTick(
  options: SimulatorOptions,
  groups: ReadonlyMap<string, readonly SimulatedEvent[]>,
  counts: Counts,
  givingUp: AbortSignal,
): Promise<boolean> {
  const sends = [...groups].map(async ([partition, events]) => {
    try {
      const bodies = events.map(({ body }) => body);
      await options.publisher.send(partition, bodies, givingUp);
      counts.addSent(partition, events);
      return true;
    } catch (error) {
      counts.addFailed(events.length, describeError(error));
      return false;
    }
  });
  return (await Promise.all(sends)).every(Boolean);
}

class Counts {
  #events = 0;
  #bytes = 0;
  #readings = 0;
  #quarantined = 0;
  #rescued = 0;
  #uncertain = 0;
  #lastError: string | undefined;
  readonly #byKind = new Map<EventKind, number>(eventKinds.map((kind) => [kind, 0]));
  readonly #byPartition = new Map<string, number>();

  addSent(partition: string, events: readonly SimulatedEvent[]): void {
    for (const { kind, body, outcome } of events) {
      this.#bytes += body.byteLength;
      this.#readings += outcome.readings;
      this.#quarantined += outcome.quarantined;
      this.#rescued += outcome.rescued;
      this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + 1);
    }
    this.#events += events.length;
    this.#byPartition.set(partition, (this.#byPartition.get(partition) ?? 0) + events.length);
    this.#lastError = undefined;
  }

  addFailed(eventCount: number, error: string): void {
    this.#uncertain += eventCount;
    this.#lastError = error;
  }

  tally(): SimulatorTally {
    return {
      events: this.#events,
      bytes: this.#bytes,
      eventsByKind: Object.fromEntries(this.#byKind) as Record<EventKind, number>,
      eventsByPartition: Object.fromEntries(this.#byPartition),
      expectedReadings: this.#readings,
      expectedQuarantined: this.#quarantined,
      expectedRescued: this.#rescued,
      uncertainEvents: this.#uncertain,
      lastError: this.#lastError,
    };
  }
}
