// Pure. Rows of `quarantine`: what could not be used, with its bytes, the reason and its coordinates.
import { BatchBuilder, type ColumnBatch } from '../parquet/index.js';
import { propertiesJson } from './brokerProperties.js';
import type { EventFacts, Rejection } from './readingDecoder.js';
import { quarantineFields } from './schema.js';

export interface QuarantineRow {
  readonly rejection: Rejection;
  readonly body: Uint8Array;
  readonly deviceId: string | null;
  /** -1 when the whole body is rejected. */
  readonly index: number;
}

export class QuarantineRows {
  readonly #builder: BatchBuilder;
  /** The event of the last row, and its properties: an array's readings share them. */
  #event: EventFacts | undefined;
  #properties: string | null = null;

  constructor(initialRows: number) {
    this.#builder = new BatchBuilder(quarantineFields(), initialRows);
  }

  add(event: EventFacts, { rejection, body, deviceId, index }: QuarantineRow): void {
    const builder = this.#builder;
    builder.setText(0, rejection.reason);
    builder.setText(1, wellFormed(rejection.detail));
    builder.setBytes(2, body);
    if (deviceId !== null) builder.setText(3, wellFormed(deviceId));
    const properties = this.#propertiesOf(event);
    if (properties !== null) builder.setText(4, properties);
    builder.setText(5, event.source);
    builder.setText(6, event.partition);
    builder.setNumber(7, event.sequenceNumber);
    builder.setNumber(8, index);
    builder.setNumber(9, event.enqueuedMs * 1000);
    builder.setNumber(10, event.ingestTimeMs * 1000);
    builder.endRow();
  }

  finish(): ColumnBatch {
    return this.#builder.finish();
  }

  #propertiesOf(event: EventFacts): string | null {
    if (this.#event !== event) {
      this.#event = event;
      this.#properties = propertiesJson(event.system, event.application);
    }
    return this.#properties;
  }
}

/** A detail quotes the body, cut anywhere; half a surrogate pair would become another text on its way to disk. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}
