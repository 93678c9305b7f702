// Ingest, shards, tables and subscribers in one process, with faults at every step: what a Durable backend may do to signals and
// entity batches, and a process that dies anywhere. Everything durable is in `World`; a process has nothing but its memory.
import { type Random, silentLogger, TributaryError } from '../../shared/base/index.js';
import { openTable, type StructType, TableWriter } from '../../shared/delta/index.js';
import {
  createEventDecoder,
  type EventBatch,
  quarantineSchema,
  readingSchema,
} from '../../shared/events/index.js';
import { Ingestor, type ShardClient, ShardSignaller } from '../../shared/ingest/index.js';
import type { OutgoingEvent } from '../../shared/messaging/index.js';
import { readParquet } from '../../shared/parquet/index.js';
import type { Pipeline } from '../../shared/pipeline/index.js';
import {
  LatestState,
  mostSeals,
  type PublicationInput,
  type PublishOutcome,
  planPublication,
  ResultPublisher,
  ResultTables,
} from '../../shared/results/index.js';
import {
  outboxBytesIn,
  planShards,
  resultBytesOf,
  type SealedBatch,
  type ShardPlan,
  ShardSession,
  signalBreaches,
} from '../../shared/shards/index.js';
import {
  createMemoryLedger,
  createMemoryStore,
  type Ledger,
  type ObjectStore,
} from '../../shared/storage/index.js';
import { ProcessKilled } from './faultyStore.js';
import { InstantClock } from './instantClock.js';
import type { ShardRows } from './shardAccounting.js';
import { storeWith } from './storeWith.js';

interface Operation {
  readonly name: string;
  /** JSON text. */
  readonly input: string;
}

export interface WorldFaults {
  /** Of a signal being delivered again. */
  readonly duplicate: number;
  /** Of a signal waiting while others pass. */
  readonly delay: number;
  /** Of an entity's batch running twice from the same state. */
  readonly rerun: number;
  /** Of a call's answer leaving though the state is not stored; then the call runs again, behind signals that have come meanwhile. */
  readonly unstored: number;
  /** Of the process dying, at each of its steps. */
  readonly crash: number;
}

export class World {
  readonly clock: InstantClock;
  readonly store: ObjectStore;
  readonly ledger: Ledger = createMemoryLedger();
  readonly sentAlerts: OutgoingEvent[] = [];
  readonly states = new Map<number, string>();
  readonly #inboxes = new Map<number, Operation[]>();
  /** While it is, nothing can be sent to the alert hub. */
  isAlertHubDown = false;
  crashCount = 0;
  duplicateCount = 0;
  unstoredCount = 0;

  constructor(
    readonly pipeline: Pipeline,
    readonly plan: ShardPlan,
    startMs: number,
  ) {
    this.clock = new InstantClock(startMs);
    this.store = createMemoryStore(this.clock);
  }

  /** As a client reads it; undefined for none. */
  state(shard: number): unknown {
    const text = this.states.get(shard);
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** A signal is stored, perhaps twice, perhaps before older ones. */
  accept(shard: number, operation: Operation, faults: WorldFaults, random: Random): void {
    const inbox = this.#inboxes.get(shard) ?? [];
    this.#inboxes.set(shard, inbox);
    const place = (later: boolean) => (later ? Math.floor(random.next() * (inbox.length + 1)) : inbox.length);
    inbox.splice(place(random.next() < faults.delay), 0, operation);
    if (random.next() >= faults.duplicate) return;
    this.duplicateCount++;
    inbox.splice(place(true), 0, operation);
  }

  /** Runs up to `count` of the waiting operations as one batch. @returns the answer of the last one */
  runBatch(shard: number, operations: readonly Operation[], faults: WorldFaults, random: Random): unknown {
    const before = this.states.get(shard);
    let answer: unknown;
    for (let attempt = 0; attempt === 0 || random.next() < faults.rerun; attempt++) {
      const session = new ShardSession(before === undefined ? undefined : JSON.parse(before), this.plan);
      for (const { name, input } of operations) {
        const result = session.run(name, JSON.parse(input));
        answer = result.answer === undefined ? undefined : JSON.parse(JSON.stringify(result.answer));
        if (result.problem !== undefined) throw new Error(result.problem);
        if (result.state !== undefined) this.states.set(shard, JSON.stringify(result.state));
      }
    }
    return answer;
  }

  /** The first answer counts: Durable gives the caller no second one. */
  call(shard: number, operation: Operation, faults: WorldFaults, random: Random): unknown {
    const before = this.states.get(shard);
    const answer = this.runBatch(shard, [operation], faults, random);
    if (random.next() >= faults.unstored) return answer;
    this.unstoredCount++;
    if (before === undefined) this.states.delete(shard);
    else this.states.set(shard, before);
    const inbox = this.#inboxes.get(shard) ?? [];
    const overtaking = inbox.splice(0, Math.floor(random.next() * (inbox.length + 1)));
    this.runBatch(shard, [...overtaking, operation], faults, random);
    return answer;
  }

  deliver(shard: number, faults: WorldFaults, random: Random, all = false): void {
    const inbox = this.#inboxes.get(shard) ?? [];
    const count = all ? inbox.length : Math.floor(random.next() * (inbox.length + 1));
    if (count > 0) this.runBatch(shard, inbox.splice(0, count), faults, random);
  }
}

/** One process: dies at a random step, and then every call of it fails. */
export class WorldProcess {
  readonly ingestor: Ingestor;
  readonly #signaller: ShardSignaller;
  readonly #publisher: ResultPublisher;
  readonly #writers: TableWriter[] = [];
  #isDead = false;

  constructor(
    private readonly world: World,
    private readonly faults: WorldFaults,
    private readonly random: Random,
  ) {
    const { pipeline, plan, clock } = world;
    const step = <T>(work: () => Promise<T>) => this.#step(work);
    const store = storeWith(world.store, {
      put: (path, bytes) => step(() => world.store.put(path, bytes)),
      putIfAbsent: (path, bytes) => step(() => world.store.putIfAbsent(path, bytes)),
    });
    const writer = (root: string, schema: StructType) => {
      const opened = new TableWriter({ store, root, schema, clock, random });
      this.#writers.push(opened);
      return opened;
    };
    const tables = new ResultTables(pipeline);
    const quarantine = writer('quarantine', quarantineSchema());
    this.ingestor = new Ingestor({
      decoder: createEventDecoder(pipeline),
      readings: writer('readings', readingSchema(pipeline)),
      quarantine,
      clock,
      logger: silentLogger,
    });
    this.#signaller = new ShardSignaller({
      shardCount: pipeline.windows.shards,
      maxOutboxBytes: plan.limits.maxOutboxBytes,
      resultBytes: (signal) => resultBytesOf(signal, plan),
      fields: plan.fields,
      mayBreach: (signal) => signalBreaches(signal, plan),
      clock,
      logger: silentLogger,
    });
    this.#publisher = new ResultPublisher({
      tables,
      appenders: {
        windows: writer('windows', tables.schemas.windows),
        alerts: writer('alerts', tables.schemas.alerts),
        lateReadings: writer('late', tables.schemas.lateReadings),
        quarantine,
      },
      alerts: {
        send: (events) =>
          step(async () => {
            if (world.isAlertHubDown) throw new TributaryError('PUBLISH_FAILED', 'the alert hub is down');
            world.sentAlerts.push(...events);
          }),
      },
      alertSource: 'test',
      latest: new LatestState(world.ledger, new Set()),
      clock,
      logger: silentLogger,
    });
  }

  /** Makes the tables that are missing, as the app does when it starts. */
  async openTables(): Promise<void> {
    for (const writer of this.#writers) await writer.snapshot();
  }

  async ingest(batch: EventBatch): Promise<void> {
    const { world, faults, random } = this;
    const client: ShardClient = {
      signal: (shard, signal) =>
        this.#step(async () => {
          world.accept(shard, { name: 'ingest', input: JSON.stringify(signal) }, faults, random);
        }),
      hold: (shard, nowMs) =>
        this.#step(async () => {
          world.accept(shard, { name: 'hold', input: JSON.stringify({ nowMs }) }, faults, random);
        }),
      outboxBytes: async (shard) => outboxBytesIn(world.state(shard)),
      publishAlerts: async (shard) => {
        await this.publish({ waiting: [{ shard }], shardCount: 4, onlyAlerts: true });
        return true;
      },
    };
    await this.ingestor.ingest(batch, this.#signaller.through(client));
  }

  /** What the orchestration does, generation by generation. A dead process leaves it where it was; the next run starts anew. */
  async publish(input: PublicationInput): Promise<void> {
    const { world, faults, random } = this;
    const call = (shard: number, name: string, argument: unknown) =>
      world.call(shard, { name, input: JSON.stringify(argument) }, faults, random);
    for (let next: PublicationInput | undefined = input; next !== undefined; ) {
      const round = planPublication(next);
      const sealAll = async (seals: typeof round.seals) => {
        const answers: SealedBatch[] = [];
        for (const { shard, ...seal } of seals) {
          world.deliver(shard, faults, random);
          const input = { ...seal, nowMs: world.clock.nowMs(), maxRows: 7 };
          answers.push(await this.#step(async () => call(shard, 'seal', input) as SealedBatch));
        }
        return answers;
      };
      let sealed: readonly SealedBatch[] = await sealAll(round.seals);
      for (let count = 1; count < mostSeals && round.again(sealed).length > 0; count++) {
        sealed = round.completed(sealed, await sealAll(round.again(sealed)));
      }
      const batches = round.publishable(sealed);
      const outcomes: PublishOutcome[] = [];
      for (const batch of batches) {
        // Activities run at least once.
        do outcomes.splice(batches.indexOf(batch), 1, await this.#publisher.publish(batch));
        while (random.next() < faults.rerun);
      }
      if (this.#isDead) throw new ProcessKilled();
      const after = round.after(batches, outcomes);
      for (const { shard, number } of after.acknowledged) {
        await this.#step(async () => call(shard, 'ack', { number }));
      }
      next = after.next;
    }
  }

  /** Dies before or after the step, or not at all. */
  async #step<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isDead) throw new ProcessKilled();
    const isFatal = this.random.next() < this.faults.crash;
    if (isFatal && this.random.next() < 0.5) this.#die();
    const result = await work();
    if (isFatal) this.#die();
    return result;
  }

  #die(): never {
    this.#isDead = true;
    this.world.crashCount++;
    throw new ProcessKilled();
  }
}

/**
 * A subscriber of the alert hub, one process after another: from the position that the last one left, each alert once in a life.
 * What it does with an alert and where it leaves its position are two steps, and it may die at both.
 */
export class WorldSubscriber {
  /** Ids in the order in which they were handled. */
  readonly handled: string[] = [];
  #position = 0;
  #seen = new Set<string>();
  deathCount = 0;

  constructor(
    private readonly world: World,
    private readonly crash: number,
    private readonly random: Random,
  ) {}

  /** Handles what has been sent since, or dies on the way: then all is forgotten but the position. */
  follow(): void {
    let position = this.#position;
    for (const { messageId } of this.world.sentAlerts.slice(position)) {
      if (this.#dies()) return;
      if (!this.#seen.has(messageId)) this.handled.push(messageId);
      this.#seen.add(messageId);
      position++;
      if (this.#dies()) return;
      // Not after each alert: to leave a position costs a write.
      if (this.random.next() < 0.3) this.#position = position;
    }
    this.#position = position;
  }

  /** Life after life, until one has seen all. */
  followToTheEnd(): void {
    for (let deaths = -1; deaths !== this.deathCount; ) {
      deaths = this.deathCount;
      this.follow();
    }
  }

  #dies(): boolean {
    if (this.random.next() >= this.crash) return false;
    this.deathCount++;
    this.#seen = new Set();
    return true;
  }
}

export function createWorld(pipeline: Pipeline, startMs: number): World {
  return new World(pipeline, planShards(pipeline), startMs);
}

/** What is in the tables, under the names that the accounting goes by. */
export async function rowsIn({ store, clock }: World): Promise<ShardRows> {
  const read = async (root: string, names: Readonly<Record<string, string>>) => {
    const rows: Record<string, unknown>[] = [];
    const { snapshot } = await openTable({ store, root, clock });
    for (const path of snapshot.files.keys()) {
      const batch = await readParquet((await store.read(`${root}/${decodeURIComponent(path)}`))!);
      for (let row = 0; row < batch.rowCount; row++) {
        rows.push(
          Object.fromEntries(
            Object.entries(names).map(([name, column]) => {
              const values = batch.columns[batch.fields.findIndex((field) => field.name === column)]!;
              const isNull = values.kind === 'numbers' && values.validity?.[row] === 0;
              return [name, isNull ? null : values.values[row]];
            }),
          ),
        );
      }
    }
    return rows;
  };
  const identity = {
    source: '_source',
    partition: '_partition',
    sequence: '_sequence_number',
    index: '_index',
  };
  const aggregates = {
    c: 'count_temperature',
    s: 'sum_temperature',
    lo: 'min_temperature',
    hi: 'max_temperature',
  };
  return {
    readings: await read('readings', {
      device_id: 'device_id',
      us: 'event_time',
      temperature: 'temperature',
      ...identity,
    }),
    late: await read('late', identity),
    windows: await read('windows', {
      device_id: 'device_id',
      us: 'window_start',
      n: 'message_count',
      ...aggregates,
    }),
    alerts: await read('alerts', { alert_id: 'alert_id', ...identity }),
  };
}
