// A column batch to the bytes of a Parquet file: data pages V1, PLAIN and RLE_DICTIONARY, which every reader takes.
import { TributaryError } from '../base/index.js';
import { type ParquetCodec, pageCodec } from './codecs.js';
import type { DataBatch, DataField } from './columns.js';
import { magic } from './format.js';
import type { ColumnStatistics } from './statistics.js';
import { CompactWriter } from './thrift.js';
import { ByteBuffer } from './writing/byteBuffer.js';
import { type ChunkContext, ChunkScratch, type ColumnChunk } from './writing/chunkPages.js';
import { encodeColumnChunk } from './writing/columnChunk.js';
import { columnStatistics } from './writing/columnStatistics.js';
import { type RowGroup, writeFooter } from './writing/footer.js';
import { encodeNestedChunks } from './writing/nestedChunks.js';
import { PageWriter } from './writing/pageWriter.js';

export interface EncodeOptions {
  /** Default `snappy`. `zstd` throws PARQUET_UNSUPPORTED before Node.js 22.15: see `canWriteZstd`. */
  readonly codec?: ParquetCodec;
  /** Rows of a row group at most; default 1,000,000. */
  readonly rowGroupRows?: number;
  /** Uncompressed size at which a page is closed; default 1 MiB. */
  readonly maxPageBytes?: number;
  /** "application version x.y.z", the form other readers parse. */
  readonly createdBy?: string;
}

export interface EncodedParquet {
  readonly bytes: Uint8Array;
  readonly rowCount: number;
  readonly codec: ParquetCodec;
  /** `statistics[i]` describes `batch.fields[i]`. */
  readonly statistics: readonly ColumnStatistics[];
}

const defaultRowGroupRows = 1_000_000;
const defaultMaxPageBytes = 2 ** 20;
const defaultCreatedBy = 'tributary version 0.1.0';

/** Memory kept from call to call; beyond this it is given back, so that one huge batch does not stay for ever. */
const maxKeptBytes = 2 ** 26;

interface EncoderMemory {
  readonly file: ByteBuffer;
  readonly footer: CompactWriter;
  readonly scratch: ChunkScratch;
}

let memory: EncoderMemory | undefined;

/**
 * A batch without rows becomes a file with its schema and no row group. Throws PARQUET_INVALID for a null in a
 * required column, for values that do not fit their column's type, and for columns shorter than the batch;
 * PARQUET_UNSUPPORTED for void and for structs without fields.
 */
export function encodeParquet(batch: DataBatch, options: EncodeOptions = {}): EncodedParquet {
  const codec = options.codec ?? 'snappy';
  const { file, footer, scratch } = takeMemory();
  const pages = new PageWriter(file, pageCodec(codec));
  const context = { pages, scratch, maxPageBytes: options.maxPageBytes ?? defaultMaxPageBytes };

  file.append(magic);
  const rowGroupRows = Math.max(1, options.rowGroupRows ?? defaultRowGroupRows);
  const rowGroups: RowGroup[] = [];
  for (let from = 0; from < batch.rowCount; from += rowGroupRows) {
    const to = Math.min(from + rowGroupRows, batch.rowCount);
    const chunks = batch.fields.flatMap((_, index) => encodeColumn(context, batch, index, from, to));
    rowGroups.push({ rowCount: to - from, chunks });
  }

  const createdBy = options.createdBy ?? defaultCreatedBy;
  writeFooter(footer, { ...batch, rowGroups, codecId: pageCodec(codec).id, createdBy });
  file.append(footer.buffer.view());
  file.appendUint32(footer.buffer.length);
  file.append(magic);

  const bytes = file.bytes.slice(0, file.length);
  keepMemory({ file, footer, scratch });
  return { bytes, rowCount: batch.rowCount, codec, statistics: columnStatistics(batch, rowGroups) };
}

/** One chunk, or one for each leaf of a nested column. */
function encodeColumn(
  context: ChunkContext,
  batch: DataBatch,
  index: number,
  from: number,
  to: number,
): ColumnChunk | ColumnChunk[] {
  const field = batch.fields[index]!;
  const { name, type, nullable } = field;
  const column = batch.columns[index];
  if (column === undefined) throw lacksColumn(field);
  return typeof type === 'string' || type.kind === 'decimal'
    ? encodeColumnChunk(context, { name, type, nullable }, column, from, to)
    : encodeNestedChunks(context, field, column, from, to);
}

function lacksColumn(field: DataField): TributaryError {
  return new TributaryError(
    'PARQUET_INVALID',
    `The batch has a field "${field.name}", but no column for it.`,
  );
}

/** Takes the memory away while it is in use: a call that throws does not leave a half-written file behind. */
function takeMemory(): EncoderMemory {
  const taken = memory ?? {
    file: new ByteBuffer(2 ** 16),
    footer: new CompactWriter(),
    scratch: new ChunkScratch(),
  };
  memory = undefined;
  taken.file.clear();
  return taken;
}

function keepMemory(used: EncoderMemory): void {
  const { file, scratch } = used;
  const keptBytes =
    file.bytes.length +
    scratch.body.bytes.length +
    scratch.values.bytes.length +
    scratch.numbers.float64.byteLength +
    scratch.indices.byteLength;
  if (keptBytes <= maxKeptBytes) memory = used;
}
