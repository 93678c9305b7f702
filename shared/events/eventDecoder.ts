// Pure. A batch of events -> rows of `readings` and `quarantine`: every reading ends in exactly one of them.
import { describeError } from '../base/index.js';
import { BatchBuilder, type ColumnBatch } from '../parquet/index.js';
import type { Pipeline } from '../pipeline/index.js';
import { openBody } from './body.js';
import { authenticatedDevice, otherMessageSource, saysGzip } from './brokerProperties.js';
import { nestsDeeper } from './jsonSource.js';
import { QuarantineRows } from './quarantineRows.js';
import { type EventFacts, isObject, notAnObject, ReadingDecoder, type Rejection } from './readingDecoder.js';
import { readingFields } from './schema.js';
import type { DecodedBatch, EventBatch, EventDecoder, QuarantineReason } from './types.js';

/** A body's JSON, or why there is none to read. */
type Opened = Rejection | { readonly content: unknown };

const noProperties = {};
const encoder = new TextEncoder();

/** Compiles the pipeline once; the decoder keeps nothing from one call to the next. */
export function createEventDecoder(pipeline: Pipeline): EventDecoder {
  return new PipelineDecoder(pipeline);
}

class PipelineDecoder implements EventDecoder {
  readonly #pipeline: Pipeline;
  readonly #fields: ReturnType<typeof readingFields>;
  readonly #readings: ReadingDecoder;
  #quarantine = new QuarantineRows(1);

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
    this.#fields = readingFields(pipeline);
    this.#readings = new ReadingDecoder(pipeline);
  }

  decode(batch: EventBatch, ingestTimeMs: number): DecodedBatch {
    // New arrays for each batch: callers hold on to them until they are written.
    const builder = new BatchBuilder(this.#fields, batch.bodies.length + 1);
    this.#quarantine = new QuarantineRows(16);
    this.#readings.beginBatch(builder);
    for (let index = 0; index < batch.bodies.length; index++) {
      this.#decodeEvent(batch.bodies[index]!, eventFacts(batch, index, ingestTimeMs));
    }
    return { readings: builder.finish(), quarantine: this.#quarantine.finish() };
  }

  reject(batch: EventBatch, reason: QuarantineReason, detail: string, ingestTimeMs: number): ColumnBatch {
    const rows = new QuarantineRows(batch.bodies.length + 1);
    batch.bodies.forEach((body, index) => {
      const event = eventFacts(batch, index, ingestTimeMs);
      const deviceId = authenticatedDevice(event.system) ?? null;
      rows.add(event, { rejection: { reason, detail }, body, deviceId, index: -1 });
    });
    return rows.finish();
  }

  /** Never throws. Nothing of the event is in `readings` yet where the whole body is rejected. */
  #decodeEvent(body: Uint8Array, event: EventFacts): void {
    const opened = this.#tryOpen(body, event);
    if ('reason' in opened) {
      const deviceId = this.#readings.knownDevice;
      this.#quarantine.add(event, { rejection: opened, body, deviceId, index: -1 });
    } else if (Array.isArray(opened.content)) {
      for (let element = 0; element < opened.content.length; element++) {
        this.#decodeReading(opened.content[element], element, body, event);
      }
    } else {
      this.#decodeReading(opened.content, -1, body, event);
    }
  }

  #tryOpen(body: Uint8Array, event: EventFacts): Opened {
    try {
      this.#readings.beginEvent(event);
      return this.#open(body, event);
    } catch (error) {
      return failure(error);
    }
  }

  /** The body as one object, or as an array of at least one element. */
  #open(body: Uint8Array, event: EventFacts): Opened {
    const { maxBodyBytes, maxDepth, maxReadingsPerEvent } = this.#pipeline.limits;
    const other = otherMessageSource(event.system);
    if (other !== undefined) return rejection('not_telemetry', `The message source is "${other}".`);
    const opened = openBody(body, saysGzip(event.system, event.application), maxBodyBytes);
    if (opened.kind === 'unusable') return opened;
    if (nestsDeeper(opened.text, maxDepth)) {
      return rejection('too_deep', `The body nests deeper than limits.maxDepth, ${maxDepth}.`);
    }
    const parsed = parse(opened.text);
    if ('reason' in parsed) return parsed;
    this.#readings.beginBody(opened.text);
    const { content } = parsed;
    if (!Array.isArray(content)) return isObject(content) ? parsed : notAnObject(content, 'The body');
    if (content.length === 0) return rejection('no_readings', 'The body is an empty array.');
    if (content.length > maxReadingsPerEvent) {
      const detail = `The body has ${content.length} readings; limits.maxReadingsPerEvent is ${maxReadingsPerEvent}.`;
      return rejection('too_many_readings', detail);
    }
    return parsed;
  }

  /** @param element -1 when the body is one object */
  #decodeReading(reading: unknown, element: number, body: Uint8Array, event: EventFacts): void {
    const rejection = this.#tryDecode(reading, element);
    if (rejection === undefined) return;
    this.#readings.builder.discardRow();
    this.#quarantine.add(event, {
      rejection,
      body: element < 0 ? body : encoder.encode(this.#readings.elementText(element)),
      deviceId: this.#readings.knownDevice,
      index: Math.max(element, 0),
    });
  }

  #tryDecode(reading: unknown, element: number): Rejection | undefined {
    try {
      return this.#readings.decode(reading, element);
    } catch (error) {
      return failure(error);
    }
  }
}

function eventFacts(batch: EventBatch, index: number, ingestTimeMs: number): EventFacts {
  return {
    source: batch.source,
    partition: batch.partition,
    sequenceNumber: batch.sequenceNumbers[index]!,
    enqueuedMs: batch.enqueuedMs[index]!,
    ingestTimeMs,
    system: batch.systemProperties[index] ?? noProperties,
    application: batch.properties[index] ?? noProperties,
  };
}

function parse(text: string): Opened {
  try {
    return { content: JSON.parse(text) as unknown };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return rejection('invalid_json', `The body is not JSON: ${error.message}.`);
  }
}

function rejection(reason: QuarantineReason, detail: string): Rejection {
  return { reason, detail };
}

/** What should not happen, contained: one event must not hold up its partition. */
function failure(error: unknown): Rejection {
  return rejection('processing_failed', `Decoding failed: ${describeError(error)}`);
}
