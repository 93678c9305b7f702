// What decoding must make of an event, written anew from the specification: slow, plain, and without any code of
// shared/events. The fuzz test compares the two.
import { gunzipSync } from 'node:zlib';
import type { EventBatch, QuarantineReason } from '../../shared/events/index.js';
import { type Field, type Pipeline, parseSourcePath, type SourcePath } from '../../shared/pipeline/index.js';
import type { Row } from './batches.js';
import { type JsonNode, readJson, writeJson } from './losslessJson.js';

export interface Expectation {
  readonly readings: readonly Row[];
  /** Without `detail` and `properties`. */
  readonly quarantine: readonly Row[];
}

type Properties = Readonly<Record<string, unknown>>;
type ObjectNode = Extract<JsonNode, { kind: 'object' }>;

/** No Error: a hundred thousand stack traces would take most of the test's time. */
class Rejected {
  readonly reason: QuarantineReason;

  constructor(reason: QuarantineReason) {
    this.reason = reason;
  }
}

/** Rows that decoding `batch` must give, in order; `_ingest_time` is left out. */
export function expectedRows(pipeline: Pipeline, batch: EventBatch): Expectation {
  const readings: Row[] = [];
  const quarantine: Row[] = [];
  batch.bodies.forEach((body, position) => {
    const system = batch.systemProperties[position] ?? {};
    const application = batch.properties[position] ?? {};
    const coordinates = (index: number) => ({
      _source: batch.source,
      _partition: batch.partition,
      _sequence_number: batch.sequenceNumbers[position],
      _index: index,
      _enqueued_time: (batch.enqueuedMs[position] ?? 0) * 1000,
    });
    const hubDevice = (system['iothub-connection-device-id'] as string | undefined) ?? null;
    try {
      const text = openText(pipeline, body, system, application);
      elementsOf(pipeline, text).forEach(({ node, inArray }, element) => {
        const reading = new Reading(pipeline, system, application, batch.enqueuedMs[position] ?? 0);
        try {
          readings.push({ ...reading.row(node), ...coordinates(element) });
        } catch (error) {
          if (!(error instanceof Rejected)) throw error;
          const bytes = inArray ? new TextEncoder().encode(text.slice(node.start, node.end)) : body;
          const device_id = hubDevice ?? reading.deviceId;
          quarantine.push({ reason: error.reason, body: bytes, device_id, ...coordinates(element) });
        }
      });
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      quarantine.push({ reason: error.reason, body, device_id: hubDevice, ...coordinates(-1) });
    }
  });
  return { readings, quarantine };
}

function openText(pipeline: Pipeline, body: Uint8Array, system: Properties, application: Properties): string {
  const source = system['iothub-message-source'];
  if (source !== undefined && source !== 'Telemetry') throw new Rejected('not_telemetry');
  if (body.length === 0) throw new Rejected('empty_body');
  let bytes = body;
  const encodings = [system['content-encoding'], application['content-encoding']];
  if ((body[0] === 0x1f && body[1] === 0x8b) || encodings.includes('gzip')) {
    try {
      bytes = gunzipSync(body);
    } catch {
      throw new Rejected('invalid_gzip');
    }
    if (bytes.length === 0) throw new Rejected('empty_body');
  }
  if (bytes.length > pipeline.limits.maxBodyBytes) throw new Rejected('body_too_large');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Rejected('invalid_utf8');
  }
  if (text === '') throw new Rejected('empty_body');
  return text;
}

function elementsOf(pipeline: Pipeline, text: string): { node: JsonNode; inArray: boolean }[] {
  if (deepest(text) > pipeline.limits.maxDepth) throw new Rejected('too_deep');
  try {
    JSON.parse(text);
  } catch {
    throw new Rejected('invalid_json');
  }
  const node = readJson(text);
  if (node.kind === 'object') return [{ node, inArray: false }];
  if (node.kind !== 'array') throw new Rejected('not_an_object');
  if (node.items.length === 0) throw new Rejected('no_readings');
  if (node.items.length > pipeline.limits.maxReadingsPerEvent) throw new Rejected('too_many_readings');
  return node.items.map((item) => ({ node: item, inArray: true }));
}

function deepest(text: string): number {
  let depth = 0;
  let most = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') most = Math.max(most, ++depth);
    else if (character === '}' || character === ']') depth--;
  }
  return most;
}

/** A value found at a path: of the body with its keys, or of the broker. */
interface Found {
  readonly label: SourcePath;
  readonly node: JsonNode;
  readonly keys: readonly string[] | undefined;
}

class Reading {
  deviceId: string | null = null;
  readonly #pipeline: Pipeline;
  readonly #system: Properties;
  readonly #application: Properties;
  readonly #enqueuedMs: number;
  /** Body paths whose value has no column after all, by their keys. */
  readonly #unfit = new Set<string>();
  readonly #brokerRescued: string[] = [];
  readonly #rules: string[] = [];

  readonly #bodyPaths: readonly (readonly string[])[];

  constructor(pipeline: Pipeline, system: Properties, application: Properties, enqueuedMs: number) {
    this.#pipeline = pipeline;
    this.#bodyPaths = bodyPathsOf(pipeline);
    this.#system = system;
    this.#application = application;
    this.#enqueuedMs = enqueuedMs;
  }

  row(node: JsonNode): Row {
    if (node.kind !== 'object') throw new Rejected('not_an_object');
    const device_id = this.#device(node);
    this.deviceId = device_id;
    const event_time = this.#time(node);
    const fields = this.#pipeline.fields.map((field) => [field.name, this.#field(node, field)]);
    const rescued = [...this.#rescuedMembers(node, []), ...this.#brokerRescued];
    return {
      device_id,
      event_time,
      ...Object.fromEntries(fields),
      _rescued_data: rescued.length === 0 ? null : writeJson(readJson(`{${rescued.join(',')}}`)),
      _rules: this.#rules.length === 0 ? null : this.#rules.join(','),
    };
  }

  #device(node: ObjectNode): string {
    const { from, maxLength } = this.#pipeline.deviceId;
    const hubDevice = this.#system['iothub-connection-device-id'] as string | undefined;
    const found = this.#first(
      node,
      hubDevice === undefined ? from : from.filter((path) => !path.startsWith('@')),
    );
    const claimed = found === undefined ? undefined : textOf(found.node);
    if (hubDevice !== undefined) {
      if (found !== undefined && claimed !== hubDevice) throw new Rejected('device_id_mismatch');
      return hubDevice;
    }
    if (found === undefined) throw new Rejected('missing_device_id');
    if (claimed === undefined || claimed.length < 1 || claimed.length > maxLength) {
      throw new Rejected('invalid_device_id');
    }
    return claimed;
  }

  #time(node: ObjectNode): number {
    const { from, fallback, maxClockSkewMs } = this.#pipeline.eventTime;
    const found = this.#first(node, from);
    const micros = found === undefined ? undefined : this.#micros(found.node);
    if (micros === undefined && fallback === 'enqueuedTime') {
      if (found !== undefined) this.#rescue(found);
      return this.#enqueuedMs * 1000;
    }
    if (found === undefined) throw new Rejected('missing_event_time');
    if (micros === undefined) throw new Rejected('invalid_event_time');
    if (micros > (this.#enqueuedMs + maxClockSkewMs) * 1000) throw new Rejected('event_time_in_future');
    return micros;
  }

  #field(node: ObjectNode, field: Field): unknown {
    const found = this.#first(node, field.from);
    const value = found === undefined ? undefined : this.#coerce(field, found.node);
    if (value !== undefined) return value;
    if (field.required)
      throw new Rejected(found === undefined ? 'missing_required_field' : 'invalid_required_field');
    if (found !== undefined) this.#rescue(found);
    return null;
  }

  /** The first path with a value; the body's values at later paths are rescued. */
  #first(node: ObjectNode, paths: readonly SourcePath[]): Found | undefined {
    const found = paths.map((label) => this.#find(node, label)).filter((value) => value !== undefined);
    for (const later of found.slice(1)) if (later.keys !== undefined) this.#rescue(later);
    return found[0];
  }

  #find(node: ObjectNode, label: SourcePath): Found | undefined {
    const path = parseSourcePath(label);
    if (path.kind === 'body') {
      const value = bodyValue(node, path.segments);
      const goesOn = value?.kind === 'object' && this.#goesOn(path.segments);
      if (value === undefined || goesOn || (value.kind === 'literal' && value.value === null))
        return undefined;
      return { label, node: value, keys: path.segments };
    }
    const value =
      path.kind === 'key'
        ? (this.#system.partitionKey ?? this.#system['x-opt-kafka-key'])
        : (path.kind === 'system' ? this.#system : this.#application)[
            path.name.replace(/^./, (first) => first.toLowerCase())
          ];
    if (value === undefined || value === null) return undefined;
    const text = JSON.stringify(value instanceof Uint8Array ? Buffer.from(value).toString() : value);
    return { label, node: readJson(text), keys: undefined };
  }

  /** Whether some path leads through these keys to others. */
  #goesOn(keys: readonly string[]): boolean {
    return this.#bodyPaths.some((path) => path.length > keys.length && startsWith(path, keys));
  }

  #rescue(found: Found): void {
    if (found.keys === undefined)
      this.#brokerRescued.push(`${JSON.stringify(found.label)}:${writeJson(found.node)}`);
    else this.#unfit.add(JSON.stringify(found.keys));
  }

  #rescuedMembers(node: ObjectNode, above: readonly string[]): string[] {
    return [...node.members].flatMap(([key, value]) => {
      const keys = [...above, key];
      const isPath = this.#bodyPaths.some((path) => path.length === keys.length && startsWith(path, keys));
      const goesOn = this.#goesOn(keys);
      const whole = `${JSON.stringify(key)}:${writeJson(value)}`;
      if (value.kind === 'object' && goesOn) {
        const inner = this.#rescuedMembers(value, keys);
        return inner.length === 0 ? [] : [`${JSON.stringify(key)}:{${inner.join(',')}}`];
      }
      if (isPath) return this.#unfit.has(JSON.stringify(keys)) ? [whole] : [];
      const isNull = value.kind === 'literal' && value.value === null;
      return goesOn && isNull ? [] : [whole];
    });
  }

  #coerce(field: Field, node: JsonNode): unknown {
    switch (field.type) {
      case 'string': {
        const text = textOf(node);
        return text === undefined || text.length > this.#pipeline.limits.maxStringLength ? undefined : text;
      }
      case 'boolean':
        if (node.kind === 'literal' && node.value !== null) return node.value;
        if (node.kind !== 'string') return undefined;
        return node.value === 'true' ? true : node.value === 'false' ? false : undefined;
      case 'timestamp':
        return this.#micros(node);
      default:
        return this.#number(field, node);
    }
  }

  #number(field: Field, node: JsonNode): unknown {
    const text = node.kind === 'number' ? node.text : node.kind === 'string' ? node.value : '';
    if (!/^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(text)) return undefined;
    const rule = field.conversions.find(({ devices }) =>
      devices.some((pattern) => matchesPattern(pattern, this.deviceId ?? '')),
    );
    const within = (value: number | bigint) =>
      field.range === undefined || (value >= field.range[0] && value <= field.range[1]);
    if (field.type === 'long' && rule === undefined && /^-?[0-9]+$/.test(text)) {
      const exact = BigInt(text);
      return exact >= -(2n ** 63n) && exact < 2n ** 63n && within(exact) ? exact : undefined;
    }
    const sent = doubleFrom(text);
    if (sent === undefined) return undefined;
    const value = rule === undefined ? sent : multiplied(sent, rule.multiplyBy);
    if (!Number.isFinite(value) || !within(value)) return undefined;
    if (field.type !== 'double' && !Number.isSafeInteger(value)) return undefined;
    if (field.type === 'integer' && Math.abs(value + 0.5) > 2 ** 31) return undefined;
    if (rule !== undefined && value !== sent) this.#rules.push(rule.name);
    return field.type === 'double' ? value : BigInt(value);
  }

  /** ISO by way of Date; milliseconds since the epoch when the pipeline takes them. */
  #micros(node: JsonNode): number | undefined {
    const { forms } = this.#pipeline.eventTime;
    const text =
      node.kind === 'string' ? node.value : node.kind === 'number' ? String(Number(node.text)) : '';
    const iso = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?([Zz]|[+-]\d\d(?::?\d\d)?)?$/.exec(
      text,
    );
    if (iso !== null && node.kind === 'string' && forms.includes('iso')) return isoMicros(iso);
    if (!forms.includes('epochMillis') || !/^-?\d{1,17}$/.test(text)) return undefined;
    const micros = Number(text) * 1000;
    return Number.isSafeInteger(micros) ? micros : undefined;
  }
}

const bodyPathsByPipeline = new WeakMap<Pipeline, readonly (readonly string[])[]>();

function bodyPathsOf(pipeline: Pipeline): readonly (readonly string[])[] {
  const known = bodyPathsByPipeline.get(pipeline);
  if (known !== undefined) return known;
  const { deviceId, eventTime, fields } = pipeline;
  const paths = [...deviceId.from, ...eventTime.from, ...fields.flatMap((field) => field.from)]
    .map(parseSourcePath)
    .flatMap((path) => (path.kind === 'body' ? [path.segments] : []));
  bodyPathsByPipeline.set(pipeline, paths);
  return paths;
}

function startsWith(path: readonly string[], keys: readonly string[]): boolean {
  return keys.every((key, index) => path[index] === key);
}

function isoMicros([, date = '', time = '', fraction = '', zone = 'Z']: RegExpExecArray): number | undefined {
  const local = new Date(`${date}T${time}Z`);
  if (Number.isNaN(local.getTime()) || local.toISOString() !== `${date}T${time}.000Z`) return undefined;
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offsetMinutes = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  const micros =
    (local.getTime() - offsetMinutes * 60_000) * 1000 + Number(fraction.padEnd(9, '0').slice(0, 6));
  return Number.isSafeInteger(micros) ? micros : undefined;
}

function bodyValue(node: ObjectNode, keys: readonly string[]): JsonNode | undefined {
  let value: JsonNode = node;
  for (const key of keys) {
    const member: JsonNode | undefined = value.kind === 'object' ? value.members.get(key) : undefined;
    if (member === undefined) return undefined;
    value = member;
  }
  return value;
}

function textOf(node: JsonNode): string | undefined {
  if (node.kind === 'number') return node.text;
  if (node.kind !== 'string') return undefined;
  return Buffer.from(node.value).toString() === node.value ? node.value : undefined;
}

function matchesPattern(pattern: string, deviceId: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`, 's').test(deviceId);
}

/** A fraction as two whole numbers, so that values can be compared and multiplied without rounding. */
function fractionOf(text: string): readonly [above: bigint, below: bigint] {
  const [, mantissa = '', exponent = '0'] = /^([^eE]*)(?:[eE](.*))?$/.exec(text) ?? [];
  const [whole = '', decimals = ''] = mantissa.split('.');
  const shift = Number(exponent) - decimals.length;
  const digits = BigInt(whole + decimals);
  return shift >= 0 ? [digits * 10n ** BigInt(shift), 1n] : [digits, 10n ** BigInt(-shift)];
}

function doubleFrom(text: string): number | undefined {
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  if (value === 0) return /[1-9]/.test(text.replace(/[eE].*/, '')) ? undefined : value;
  if (Math.abs(value) < 2 ** 53) return value;
  const [above, below] = fractionOf(text);
  const [shownAbove, shownBelow] = fractionOf(String(value));
  return above * shownBelow === shownAbove * below ? value : undefined;
}

function multiplied(value: number, factor: number): number {
  const [above, below] = fractionOf(String(value));
  const [byAbove, byBelow] = fractionOf(String(factor));
  const zeros = String(below * byBelow).length - 1; // both are powers of ten
  return Number(`${above * byAbove}e-${zeros}`);
}
