// Pure. One reading -> one row of `readings`, or the reason why not.
import type { BatchBuilder } from '../parquet/index.js';
import type { Pipeline } from '../pipeline/index.js';
import { authenticatedDevice, brokerReader, jsonOf, type Properties } from './brokerProperties.js';
import { type FieldWriter, fieldWriter, type ReadingContext, textFrom } from './fieldWriters.js';
import { elementSpans, rescuedMembers, sourceAt } from './jsonSource.js';
import { type CompiledPaths, compilePaths, type PathNode } from './paths.js';
import { timestampReader } from './timestamp.js';
import type { QuarantineReason } from './types.js';

export interface Rejection {
  readonly reason: QuarantineReason;
  readonly detail: string;
}

/** One event of a batch, with everything that all of its readings share. */
export interface EventFacts {
  readonly source: string;
  readonly partition: string;
  readonly sequenceNumber: number;
  readonly enqueuedMs: number;
  readonly ingestTimeMs: number;
  readonly system: Properties;
  readonly application: Properties;
}

interface FieldPlan {
  readonly name: string;
  readonly required: boolean;
  readonly slots: readonly number[];
  readonly write: FieldWriter;
}

const deviceColumn = 0;
const timeColumn = 1;
const firstFieldColumn = 2;

/** A number with so many zeros behind the point that nothing of it may be left in a double. */
const tinyNumber = /[eE]-\d{3}|0{200}/;

/**
 * Holds the state of one reading at a time and reuses it: call `beginBatch`, then per event `beginEvent` and
 * `beginBody`, then `decode` for each reading.
 */
export class ReadingDecoder implements ReadingContext {
  builder!: BatchBuilder;
  /** Empty until the reading's device is known. */
  deviceId = '';

  readonly #pipeline: Pipeline;
  readonly #paths: CompiledPaths;
  readonly #deviceSlots: readonly number[];
  readonly #timeSlots: readonly number[];
  readonly #fields: readonly FieldPlan[];
  readonly #readTime: (value: unknown) => number;
  readonly #brokerReaders: readonly ((system: Properties, application: Properties) => unknown)[];
  readonly #bodySlotCount: number;
  readonly #maxAheadMicros: number;
  readonly #trailingColumn: number;

  /** Values of the reading by slot; undefined where the path leads nowhere. */
  readonly #values: unknown[];
  readonly #rescuedSlots: Uint8Array;
  readonly #isRescued = (slot: number) => this.#rescuedSlots[slot] === 1;
  #hasRescued = false;
  #rules = '';
  #event!: EventFacts;
  #authenticatedDevice: string | undefined;
  #text = '';
  #hasEscapes = false;
  #mayUnderflow: boolean | undefined;
  /** Position in the body's array; -1 when the body is one object. */
  #element = -1;
  #spans: readonly number[] | undefined;

  constructor(pipeline: Pipeline) {
    const paths = compilePaths([
      pipeline.deviceId.from,
      pipeline.eventTime.from,
      ...pipeline.fields.map((field) => field.from),
    ]);
    const [deviceSlots = [], timeSlots = [], ...fieldSlots] = paths.slots;
    this.#pipeline = pipeline;
    this.#paths = paths;
    this.#deviceSlots = deviceSlots;
    this.#timeSlots = timeSlots;
    this.#fields = pipeline.fields.map((field, index) => ({
      name: field.name,
      required: field.required,
      slots: fieldSlots[index] ?? [],
      write: fieldWriter(pipeline, field, firstFieldColumn + index),
    }));
    this.#readTime = timestampReader(pipeline.eventTime.forms);
    this.#brokerReaders = paths.brokerPaths.map(brokerReader);
    this.#bodySlotCount = paths.bodyPaths.length;
    this.#maxAheadMicros = pipeline.eventTime.maxClockSkewMs * 1000;
    this.#trailingColumn = firstFieldColumn + pipeline.fields.length;
    this.#values = new Array<unknown>(paths.labels.length).fill(undefined);
    this.#rescuedSlots = new Uint8Array(paths.labels.length);
  }

  /** @param builder gets the rows; its fields are `readingFields` */
  beginBatch(builder: BatchBuilder): void {
    this.builder = builder;
  }

  beginEvent(event: EventFacts): void {
    this.#event = event;
    this.deviceId = '';
    this.#authenticatedDevice = undefined;
    this.#authenticatedDevice = authenticatedDevice(event.system);
    for (let index = 0; index < this.#brokerReaders.length; index++) {
      this.#values[this.#bodySlotCount + index] = this.#brokerReaders[index]!(
        event.system,
        event.application,
      );
    }
  }

  beginBody(text: string): void {
    this.#text = text;
    this.#hasEscapes = text.includes('\\u');
    this.#mayUnderflow = undefined;
    this.#spans = undefined;
  }

  /** The device IoT Hub vouches for, or the one that the reading under way names; null when neither is known. */
  get knownDevice(): string | null {
    return this.#authenticatedDevice ?? (this.deviceId === '' ? null : this.deviceId);
  }

  /** JSON text of one element of the body's array. */
  elementText(element: number): string {
    this.#spans ??= elementSpans(this.#text);
    return this.#text.slice(this.#spans[2 * element], this.#spans[2 * element + 1]);
  }

  /**
   * Ends a row of the builder, or gives the reason why not and leaves the row as it was.
   * @param element position in the body's array; -1 when the body is one object
   */
  decode(reading: unknown, element: number): Rejection | undefined {
    this.#begin(element);
    if (!isObject(reading)) return notAnObject(reading, `Element ${element} of the body's array`);
    this.#collect(this.#paths.root, reading);
    const rejection = this.#writeDevice() ?? this.#writeTime() ?? this.#writeFields();
    if (rejection !== undefined) return rejection;
    this.#writeTrailing();
    this.builder.endRow();
    return undefined;
  }

  sourceOf(slot: number): string {
    const path = this.#paths.bodyPaths[slot];
    const text = path === undefined ? undefined : sourceAt(this.#text, this.#start(), path);
    return text ?? jsonOf(this.#values[slot]);
  }

  mayUnderflow(): boolean {
    this.#mayUnderflow ??= tinyNumber.test(this.#text);
    return this.#mayUnderflow;
  }

  isWellFormed(text: string): boolean {
    // Bytes that are UTF-8 hold no half pairs; an escape such as \ud800 may, and so may what the host hands over.
    return (!this.#hasEscapes && this.#brokerReaders.length === 0) || !/\p{Surrogate}/u.test(text);
  }

  ruleApplied(name: string): void {
    this.#rules = this.#rules === '' ? name : `${this.#rules},${name}`;
  }

  #begin(element: number): void {
    this.#element = element;
    this.deviceId = '';
    this.#rules = '';
    for (let slot = 0; slot < this.#bodySlotCount; slot++) this.#values[slot] = undefined;
    if (!this.#hasRescued) return;
    this.#hasRescued = false;
    this.#rescuedSlots.fill(0);
  }

  /** Recurses as deep as the pipeline's paths, not as the reading. */
  #collect(node: PathNode, object: Readonly<Record<string, unknown>>): void {
    for (const key in object) {
      const child = node.children.get(key);
      const value = object[key];
      if (child === undefined) this.#hasRescued = true;
      else if (typeof value !== 'object' || value === null) this.#keep(child.slot, value);
      else if (child.children.size > 0 && !Array.isArray(value)) {
        this.#collect(child, value as Readonly<Record<string, unknown>>);
      } else this.#keep(child.slot, value);
    }
  }

  #keep(slot: number, value: unknown): void {
    if (slot >= 0) this.#values[slot] = value;
    else if (value !== null) this.#hasRescued = true;
  }

  /** The first slot that has a value; values in slots after it are rescued. -1 when there is none. */
  #firstOf(slots: readonly number[]): number {
    let first = -1;
    for (let index = 0; index < slots.length; index++) {
      const slot = slots[index]!;
      const value = this.#values[slot];
      if (value === undefined || value === null) continue;
      if (first < 0) first = slot;
      else if (slot < this.#bodySlotCount) this.#rescue(slot);
    }
    return first;
  }

  #rescue(slot: number): void {
    this.#rescuedSlots[slot] = 1;
    this.#hasRescued = true;
  }

  #writeDevice(): Rejection | undefined {
    const slots = this.#authenticatedDevice === undefined ? this.#deviceSlots : this.#claimSlots();
    const slot = this.#firstOf(slots);
    const claimed = slot < 0 ? undefined : textFrom(this, this.#values[slot], slot);
    const deviceId = this.#authenticatedDevice ?? claimed;
    if (this.#authenticatedDevice !== undefined && slot >= 0 && claimed !== deviceId) {
      const detail = `${this.#what(slot)} is not the device that IoT Hub authenticated, "${deviceId}".`;
      return { reason: 'device_id_mismatch', detail };
    }
    if (deviceId === undefined && slot < 0) return this.#missing('missing_device_id', this.#deviceSlots);
    const { maxLength } = this.#pipeline.deviceId;
    if (deviceId === undefined || deviceId === '' || deviceId.length > maxLength) {
      const what = slot < 0 ? "IoT Hub's device id" : this.#what(slot);
      return {
        reason: 'invalid_device_id',
        detail: `${what} is not a text of 1 to ${maxLength} characters.`,
      };
    }
    this.deviceId = deviceId;
    this.builder.setText(deviceColumn, deviceId);
    return undefined;
  }

  /** Where a body names its device. */
  #claimSlots(): readonly number[] {
    return this.#deviceSlots.filter((slot) => slot < this.#bodySlotCount);
  }

  #writeTime(): Rejection | undefined {
    const slot = this.#firstOf(this.#timeSlots);
    const micros = slot < 0 ? Number.NaN : this.#readTime(this.#values[slot]);
    const enqueuedMicros = this.#event.enqueuedMs * 1000;
    const { fallback, forms, maxClockSkewMs } = this.#pipeline.eventTime;
    if (Number.isNaN(micros)) {
      if (fallback === 'enqueuedTime') {
        if (slot >= 0) this.#rescue(slot);
        this.builder.setNumber(timeColumn, enqueuedMicros);
        return undefined;
      }
      if (slot < 0) return this.#missing('missing_event_time', this.#timeSlots);
      const detail = `${this.#what(slot)} is not a time of the years 1684 to 2255 as ${forms.join(' or ')}.`;
      return { reason: 'invalid_event_time', detail };
    }
    // Against the broker's clock, not ours: the same event must be judged alike whenever it comes again.
    if (micros - enqueuedMicros > this.#maxAheadMicros) {
      const ahead = Math.round((micros - enqueuedMicros) / 1000);
      const detail = `${this.#what(slot)} is ${ahead} ms after the event was enqueued; ${maxClockSkewMs} ms are allowed.`;
      return { reason: 'event_time_in_future', detail };
    }
    this.builder.setNumber(timeColumn, micros);
    return undefined;
  }

  #writeFields(): Rejection | undefined {
    for (let index = 0; index < this.#fields.length; index++) {
      const field = this.#fields[index]!;
      const slot = this.#firstOf(field.slots);
      if (slot >= 0 && field.write(this, this.#values[slot], slot)) continue;
      if (field.required) return this.#rejectField(field, slot);
      if (slot >= 0) this.#rescue(slot);
    }
    return undefined;
  }

  #rejectField(field: FieldPlan, slot: number): Rejection {
    if (slot < 0) return this.#missing('missing_required_field', field.slots);
    const detail = `${this.#what(slot)} does not fit the required column "${field.name}" (its type or range).`;
    return { reason: 'invalid_required_field', detail };
  }

  #writeTrailing(): void {
    const { builder } = this;
    const event = this.#event;
    const first = this.#trailingColumn;
    const rescued = this.#hasRescued ? this.#rescuedText() : '';
    if (rescued !== '') builder.setText(first, `{${rescued}}`);
    if (this.#rules !== '') builder.setText(first + 1, this.#rules);
    builder.setText(first + 2, event.source);
    builder.setText(first + 3, event.partition);
    builder.setNumber(first + 4, event.sequenceNumber);
    builder.setNumber(first + 5, Math.max(this.#element, 0));
    builder.setNumber(first + 6, event.enqueuedMs * 1000);
    builder.setNumber(first + 7, event.ingestTimeMs * 1000);
  }

  /** The body's values from its text, so that no digit is lost; values of the broker under their path. */
  #rescuedText(): string {
    let rescued = rescuedMembers(this.#text, this.#start(), this.#paths.root, this.#isRescued);
    for (let slot = this.#bodySlotCount; slot < this.#values.length; slot++) {
      if (!this.#isRescued(slot)) continue;
      rescued += `${rescued === '' ? '' : ','}${JSON.stringify(this.#paths.labels[slot])}:${jsonOf(this.#values[slot])}`;
    }
    return rescued;
  }

  /** Where the reading's object begins in the body. */
  #start(): number {
    if (this.#element < 0) return 0;
    this.#spans ??= elementSpans(this.#text);
    return this.#spans[2 * this.#element]!;
  }

  #missing(reason: QuarantineReason, slots: readonly number[]): Rejection {
    return {
      reason,
      detail: `There is no value at ${slots.map((slot) => this.#paths.labels[slot]).join(', ')}.`,
    };
  }

  /** `battery ("full")`, cut to a readable length. */
  #what(slot: number): string {
    const source = this.sourceOf(slot);
    return `${this.#paths.labels[slot]} (${source.length > 100 ? `${source.slice(0, 100)}...` : source})`;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function notAnObject(value: unknown, where: string): Rejection {
  const kind = Array.isArray(value) ? 'an array' : `a ${typeof value}`;
  return {
    reason: 'not_an_object',
    detail: `${where} is ${value === null ? 'null' : kind}, not a JSON object.`,
  };
}
