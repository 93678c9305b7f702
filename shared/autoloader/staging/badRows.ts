// Pure. What of a file could not be read, as rows of `quarantine`.
import { type FileQuarantineReason, quarantineFields } from '../../events/index.js';
import { BatchBuilder, type ColumnBatch } from '../../parquet/index.js';
import type { BadRecord } from '../formats/index.js';
import type { LandedFile } from '../ledger/index.js';

export interface BadRowsOptions {
  readonly stream: string;
  readonly batch: number;
  readonly plannedMs: number;
}

/**
 * Coordinates: `_source` files/<stream>, `_partition` the file's path, `_sequence_number` the batch, `_index` the row in the file
 * (-1: all or the rest of it), `_enqueued_time` when the file was written. `properties` has the offset, the full row number and
 * the version of the file.
 */
export class BadRows {
  readonly #options: BadRowsOptions;
  #builder = new BatchBuilder(quarantineFields(), initialRows);
  rowCount = 0;
  byteCount = 0;

  constructor(options: BadRowsOptions) {
    this.#options = options;
  }

  add(file: LandedFile, { reason, detail, bytes, row, offset }: BadRecord): void {
    this.#add(file, reason, detail, { row, offset, ...versionOf(file) }, bytes);
  }

  addMissing(file: LandedFile, detail: string): void {
    this.#add(file, 'file_missing', detail, { row: -1, ...versionOf(file) }, undefined);
  }

  #add(
    file: LandedFile,
    reason: FileQuarantineReason,
    detail: string,
    properties: { readonly row: number } & Readonly<Record<string, unknown>>,
    body: Uint8Array | undefined,
  ): void {
    const { stream, batch, plannedMs } = this.#options;
    const builder = this.#builder;
    builder.setText(0, reason);
    builder.setText(1, wellFormed(detail));
    if (body !== undefined) builder.setBytes(2, body.slice());
    builder.setText(4, JSON.stringify(properties));
    builder.setText(5, `files/${stream}`);
    builder.setText(6, wellFormed(file.path));
    builder.setNumber(7, batch);
    builder.setNumber(8, Math.min(properties.row, largestInteger));
    builder.setNumber(9, file.modifiedMs * 1000);
    builder.setNumber(10, plannedMs * 1000);
    builder.endRow();
    this.rowCount++;
    this.byteCount += (body?.length ?? 0) + detail.length;
  }

  /** The rows since the last call. */
  take(): ColumnBatch {
    const batch = this.#builder.finish();
    this.#builder = new BatchBuilder(quarantineFields(), initialRows);
    this.rowCount = 0;
    this.byteCount = 0;
    return batch;
  }
}

const initialRows = 16;
const largestInteger = 2_147_483_647;

function versionOf({ etag, sizeBytes }: LandedFile) {
  return { etag, sizeBytes };
}

function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}
