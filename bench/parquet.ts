// Columns to Parquet bytes and back, beside hyparquet(-writer) and parquetjs-lite in the same run: rounds interleaved,
// medians, ratios. Every library gets its input in the form it likes best, made before the clock runs.
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { type ParquetReadOptions, parquetRead, type SchemaElement } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { snappyCompressor } from 'hysnappy';
import { type ColumnBatch, type ColumnType, encodeParquet, readParquet } from '../shared/parquet/index.js';
import { telemetryFields as fields, telemetry } from './telemetry.js';

/** Prints rows a second and ratios for small and large batches. Takes about 9 seconds. */
export async function benchParquet(write: (line: string) => void): Promise<void> {
  write('encode, snappy                    rows      rows/s   times   bytes/row');
  await benchEncode(write, { rowCount: 500, rounds: 60, parquetJsEvery: 4 });
  await benchEncode(write, { rowCount: 1_000, rounds: 60, parquetJsEvery: 4 });
  await benchEncode(write, { rowCount: 100_000, rounds: 9, parquetJsEvery: 9 });
  write('');
  write('read all columns, snappy          rows      rows/s   times');
  await benchRead(write, 1_000, 40);
  await benchRead(write, 100_000, 7);
}

interface EncodeRun {
  readonly rowCount: number;
  readonly rounds: number;
  /** parquetjs-lite is so slow that it runs only in every nth round. */
  readonly parquetJsEvery: number;
}

async function benchEncode(write: (line: string) => void, run: EncodeRun): Promise<void> {
  const batch = telemetry(run.rowCount);
  const columnData = hyparquetColumns(batch);
  const rows = rowObjects(batch);
  const contenders: Contender[] = [
    { name: 'tributary', every: 1, work: async () => encodeParquet(batch).bytes.length },
    { name: 'hyparquet-writer', every: 1, work: async () => encodeByHyparquet(columnData) },
    { name: 'parquetjs-lite', every: run.parquetJsEvery, work: () => encodeByParquetJs(rows) },
  ];
  for (const result of await race(contenders, run.rounds)) {
    const bytesPerRow = (result.outcome / run.rowCount).toFixed(1);
    write(`${resultLine(result, run.rowCount)}${bytesPerRow.padStart(12)}`);
  }
}

async function benchRead(write: (line: string) => void, rowCount: number, rounds: number): Promise<void> {
  const { bytes } = encodeParquet(telemetry(rowCount));
  const contenders: Contender[] = [
    { name: 'tributary', every: 1, work: async () => (await readParquet(bytes)).rowCount },
    { name: 'hyparquet', every: 1, work: () => readByHyparquet(bytes) },
  ];
  for (const result of await race(contenders, rounds)) write(resultLine(result, rowCount));
}

// ---- the race

interface Contender {
  readonly name: string;
  readonly every: number;
  readonly work: () => Promise<number>;
}

interface Result {
  readonly name: string;
  readonly medianMs: number;
  /** Median of the first contender over this one's. */
  readonly times: number;
  readonly outcome: number;
}

async function race(contenders: readonly Contender[], rounds: number): Promise<Result[]> {
  const runs = contenders.map((contender) => ({ contender, elapsedMs: [] as number[], outcome: 0 }));
  for (let round = 0; round < rounds; round++) {
    for (const run of runs) {
      if (round % run.contender.every !== 0) continue;
      const start = performance.now();
      run.outcome = await run.contender.work();
      run.elapsedMs.push(performance.now() - start);
    }
  }
  const medians = runs.map((run) => median(run.elapsedMs));
  return runs.map(({ contender, outcome }, index) => {
    const medianMs = medians[index] ?? 0;
    return { name: contender.name, medianMs, times: medianMs / (medians[0] ?? medianMs), outcome };
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1] ?? 0;
}

function resultLine({ name, medianMs, times }: Result, rowCount: number): string {
  const rate = Math.round((rowCount / medianMs) * 1000).toLocaleString('en');
  const ratio = times === 1 ? '1' : `1/${times.toFixed(1)}`;
  return `${name.padEnd(26)}${rowCount.toLocaleString('en').padStart(12)}${rate.padStart(12)}${ratio.padStart(8)}`;
}

// ---- data

type Cell = string | number | bigint | null;

/** Cells of a column as plain values; 64-bit integers as bigint, which is what hyparquet-writer wants. */
function cells(batch: ColumnBatch, index: number): Cell[] {
  const column = batch.columns[index]!;
  const isWide = ['long', 'timestamp'].includes(batch.fields[index]!.type);
  return Array.from({ length: batch.rowCount }, (_, row) => {
    if (column.kind === 'text') return column.values[row] ?? null;
    if (column.kind === 'bytes' || column.validity?.[row] === 0) return null;
    return isWide ? BigInt(column.values[row]!) : column.values[row]!;
  });
}

function rowObjects(batch: ColumnBatch): Record<string, unknown>[] {
  const columns = batch.fields.map((_, index) => cells(batch, index));
  return Array.from({ length: batch.rowCount }, (_, row) => {
    const present = batch.fields.flatMap(({ name }, index) => {
      const value = columns[index]![row];
      return value === null || value === undefined
        ? []
        : [[name, typeof value === 'bigint' ? Number(value) : value]];
    });
    return Object.fromEntries(present) as Record<string, unknown>;
  });
}

// ---- hyparquet and hyparquet-writer

const hyparquetElements: Readonly<Partial<Record<ColumnType, Partial<SchemaElement>>>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  timestamp: { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } },
  double: { type: 'DOUBLE' },
  integer: { type: 'INT32' },
  long: { type: 'INT64' },
};

const hyparquetSchema: SchemaElement[] = [
  { name: 'root', num_children: fields.length },
  ...fields.map(({ name, type, nullable }) => ({
    name,
    repetition_type: nullable ? ('OPTIONAL' as const) : ('REQUIRED' as const),
    ...hyparquetElements[type],
  })),
];

function hyparquetColumns(batch: ColumnBatch): ColumnSource[] {
  return batch.fields.map(({ name }, index) => ({ name, data: cells(batch, index) }));
}

const compressSnappy = snappyCompressor();

function encodeByHyparquet(columnData: ColumnSource[]): number {
  const buffer = parquetWriteBuffer({
    columnData,
    schema: hyparquetSchema,
    rowGroupSize: 1_000_000,
    codec: 'SNAPPY',
    compressors: { SNAPPY: compressSnappy },
  });
  return buffer.byteLength;
}

async function readByHyparquet(bytes: Uint8Array): Promise<number> {
  let rowCount = 0;
  const options: ParquetReadOptions = {
    file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
    compressors,
    parsers: { timestampFromMicroseconds: (micros) => micros },
    onChunk: ({ columnName, columnData }) => {
      if (columnName === 'device_id') rowCount += columnData.length;
    },
  };
  await parquetRead(options);
  return rowCount;
}

// ---- parquetjs-lite, which has no types of its own

interface ParquetJs {
  readonly ParquetSchema: new (fields: Readonly<Record<string, object>>) => object;
  readonly ParquetWriter: {
    openStream(
      schema: object,
      stream: Writable,
      options: object,
    ): Promise<{ appendRow(row: object): Promise<void>; close(): Promise<void> }>;
  };
}

const parquetJs: ParquetJs = createRequire(import.meta.url)('parquetjs-lite');
const parquetJsTypes: Readonly<Partial<Record<ColumnType, string>>> = {
  string: 'UTF8',
  timestamp: 'TIMESTAMP_MICROS',
  double: 'DOUBLE',
  integer: 'INT32',
  long: 'INT64',
};

async function encodeByParquetJs(rows: readonly object[]): Promise<number> {
  let byteCount = 0;
  const stream = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      byteCount += chunk.length;
      done();
    },
  });
  const schema = new parquetJs.ParquetSchema(
    Object.fromEntries(
      fields.map(({ name, type, nullable }) => [
        name,
        { type: parquetJsTypes[type], optional: nullable, compression: 'SNAPPY' },
      ]),
    ),
  );
  const writer = await parquetJs.ParquetWriter.openStream(schema, stream, { rowGroupSize: rows.length });
  for (const row of rows) await writer.appendRow(row);
  await writer.close();
  return byteCount;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await benchParquet((line) => console.log(line));
}
