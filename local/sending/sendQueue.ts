// Between reading files and sending: readings grouped into events, events into sends, one send per partition at a time.
import type { Clock } from '../../shared/base/index.js';
import { type EventPublisher, partitionChooser } from './publisher.js';

export interface SendQueueOptions {
  readonly publisher: EventPublisher;
  readonly clock: Clock;
  /** Dotted path of the device id in a reading. */
  readonly deviceKey: string;
  readonly readingsPerEvent: number;
  readonly eventsPerSecond: number | undefined;
}

export interface SendCounts {
  readonly events: number;
  readonly readings: number;
  readonly bytes: number;
  readonly eventsByPartition: ReadonlyMap<string, number>;
  /** Readings without a device id at the path; they are spread over the partitions. */
  readonly withoutDevice: number;
}

interface WaitingEvent {
  readonly body: Uint8Array;
  readonly readingCount: number;
}

interface Lane {
  readonly partition: string;
  /** Texts of readings that do not make up an event yet. */
  texts: string[];
  events: WaitingEvent[];
  bytes: number;
  /** Settles when everything handed over so far has been sent; never rejects. */
  sending: Promise<void>;
}

const eventsPerSend = 1000;
const bytesPerSend = 500_000;

export class SendQueue {
  readonly #options: SendQueueOptions;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #choosePartition: (key: string) => string;
  readonly #path: readonly string[];
  readonly #startMs: number;
  readonly #eventsByPartition = new Map<string, number>();
  #events = 0;
  #readings = 0;
  #bytes = 0;
  #withoutDevice = 0;
  #turn = 0;
  #paced = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: SendQueueOptions) {
    this.#options = options;
    this.#path = options.deviceKey.split('.');
    this.#startMs = options.clock.nowMs();
    const { partitionIds } = options.publisher;
    this.#choosePartition = partitionChooser(partitionIds);
    this.#lanes = new Map(
      partitionIds.map((partition) => [
        partition,
        { partition, texts: [], events: [], bytes: 0, sending: Promise.resolve() },
      ]),
    );
  }

  get counts(): SendCounts {
    return {
      events: this.#events,
      readings: this.#readings,
      bytes: this.#bytes,
      eventsByPartition: this.#eventsByPartition,
      withoutDevice: this.#withoutDevice,
    };
  }

  /** @throws what an earlier send failed with */
  async addReading(reading: Readonly<Record<string, unknown>>, text: string): Promise<void> {
    const lane = this.#laneOf(this.#deviceOf(reading));
    lane.texts.push(text);
    if (lane.texts.length >= this.#options.readingsPerEvent) await this.#closeEvent(lane);
  }

  /** A body as it is. */
  async addEvent(body: Uint8Array, readingCount: number): Promise<void> {
    await this.#enqueue(this.#laneOf(undefined), { body, readingCount });
  }

  /** Hands over the events that are complete. */
  async flush(): Promise<void> {
    for (const lane of this.#lanes.values()) if (lane.events.length > 0) await this.#send(lane);
  }

  /** Sends what is left, and waits for all of it. @throws what a send failed with */
  async finish(): Promise<void> {
    for (const lane of this.#lanes.values()) {
      if (lane.texts.length > 0) await this.#closeEvent(lane);
      await this.#send(lane);
    }
    await Promise.all([...this.#lanes.values()].map(({ sending }) => sending));
    this.#rethrow();
  }

  #deviceOf(reading: Readonly<Record<string, unknown>>): string | undefined {
    let value: unknown = reading;
    for (const key of this.#path) {
      const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
      value = isObject ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
    }
    if (typeof value === 'string' || typeof value === 'number') return String(value);
    this.#withoutDevice += 1;
    return undefined;
  }

  #laneOf(device: string | undefined): Lane {
    const { partitionIds } = this.#options.publisher;
    const partition =
      device === undefined ? partitionIds[this.#turn++ % partitionIds.length] : this.#choosePartition(device);
    return this.#lanes.get(partition ?? '')!;
  }

  async #closeEvent(lane: Lane): Promise<void> {
    const { texts } = lane;
    lane.texts = [];
    const body = Buffer.from(this.#options.readingsPerEvent === 1 ? texts[0]! : `[${texts.join(',')}]`);
    await this.#enqueue(lane, { body, readingCount: texts.length });
  }

  async #enqueue(lane: Lane, event: WaitingEvent): Promise<void> {
    await this.#keepPace();
    lane.events.push(event);
    lane.bytes += event.body.byteLength;
    if (lane.events.length >= eventsPerSend || lane.bytes >= bytesPerSend) await this.#send(lane);
  }

  /** With --rate: sends what is due and waits until the next event is. */
  async #keepPace(): Promise<void> {
    const { eventsPerSecond, clock } = this.#options;
    if (eventsPerSecond === undefined) return;
    const dueMs = this.#startMs + (this.#paced * 1000) / eventsPerSecond;
    this.#paced += 1;
    // Timers are coarse: only a wait worth a timer is waited for, so high rates come out right on average.
    if (dueMs - clock.nowMs() < 5) return;
    await this.flush();
    await clock.sleep(dueMs - clock.nowMs());
  }

  /** Waits for the lane's earlier send, so that order is kept and a slow hub slows the reading down. */
  async #send(lane: Lane): Promise<void> {
    await lane.sending;
    this.#rethrow();
    const { events } = lane;
    if (events.length === 0) return;
    lane.events = [];
    lane.bytes = 0;
    lane.sending = this.#sendAll(lane.partition, events);
  }

  async #sendAll(partition: string, events: readonly WaitingEvent[]): Promise<void> {
    try {
      await this.#options.publisher.send(
        partition,
        events.map(({ body }) => body),
      );
      this.#events += events.length;
      this.#eventsByPartition.set(partition, (this.#eventsByPartition.get(partition) ?? 0) + events.length);
      for (const { body, readingCount } of events) {
        this.#bytes += body.byteLength;
        this.#readings += readingCount;
      }
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
