// Pure. The readings of a batch -> signals, one for each shard that has some, or more where one would grow too large.
import type { ColumnBatch, ColumnValues } from '../parquet/index.js';
import { shardOf } from './hash.js';
import type { ShardSignal } from './signal.js';

export interface SignalInput {
  /** As committed to the readings table, ascending by `_sequence_number`. */
  readonly readings: ColumnBatch;
  readonly source: string;
  readonly partition: string;
  /** Last sequence number of the batch. */
  readonly to: number;
  /** First sequence number that the signals of a shard must cover. */
  firstUnsignalled(shard: number): number;
  readonly nowMs: number;
  readonly fields: readonly string[];
  readonly shardCount: number;
  /** Of a signal's JSON, roughly; one event with more readings than that still makes one signal. Default 512 KiB. */
  readonly maxBytes?: number;
}

export interface AddressedSignal {
  readonly shard: number;
  readonly signal: ShardSignal;
}

/** Upper bounds of what one value adds to the JSON. */
const bytesPerValue = 22;
const bytesPerReading = 48;
const bytesPerCharacter = 3;

export function buildSignals(input: SignalInput): readonly AddressedSignal[] {
  const columns = new ReadingColumns(input.readings, input.fields);
  const rowsOfShard = new Map<number, number[]>();
  for (let row = 0; row < input.readings.rowCount; row++) {
    const shard = shardOf(columns.device(row), input.shardCount);
    const rows = rowsOfShard.get(shard);
    if (rows === undefined) rowsOfShard.set(shard, [row]);
    else rows.push(row);
  }
  return [...rowsOfShard].flatMap(([shard, rows]) => signalsOfShard(input, columns, shard, rows));
}

function signalsOfShard(
  input: SignalInput,
  columns: ReadingColumns,
  shard: number,
  rows: readonly number[],
): AddressedSignal[] {
  const parts = cutRows(rows, columns, input);
  let from = input.firstUnsignalled(shard);
  return parts.map((part, position) => {
    const isLast = position === parts.length - 1;
    const to = isLast ? input.to : columns.sequenceNumber(part.at(-1)!);
    const signal = columns.signal(part, { ...input, from, to });
    from = to + 1;
    return { shard, signal };
  });
}

/** Cuts between events only: a signal answers for whole sequence numbers. */
function cutRows(rows: readonly number[], columns: ReadingColumns, input: SignalInput): readonly number[][] {
  const maxBytes = input.maxBytes ?? 512 * 1024;
  const readingBytes = bytesPerReading + input.fields.length * bytesPerValue;
  const parts: number[][] = [];
  let part: number[] = [];
  let bytes = 0;
  for (const row of rows) {
    const rowBytes = readingBytes + columns.device(row).length * bytesPerCharacter;
    const last = part.at(-1);
    const isNewEvent = last === undefined || columns.sequenceNumber(row) !== columns.sequenceNumber(last);
    if (part.length > 0 && isNewEvent && bytes + rowBytes > maxBytes) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(row);
    bytes += rowBytes;
  }
  parts.push(part);
  return parts;
}

class ReadingColumns {
  readonly #devices: readonly (string | null)[];
  readonly #sequenceNumbers: NumberReader;
  readonly #indexes: NumberReader;
  readonly #eventTimes: NumberReader;
  readonly #values: readonly NumberReader[];

  constructor(readings: ColumnBatch, fields: readonly string[]) {
    const column = (name: string): ColumnValues => {
      const found = readings.columns[readings.fields.findIndex((field) => field.name === name)];
      if (found === undefined) throw new TypeError(`The readings have no column "${name}".`);
      return found;
    };
    const devices = column('device_id');
    if (devices.kind !== 'text') throw new TypeError('The column "device_id" holds no text.');
    this.#devices = devices.values;
    this.#sequenceNumbers = numberReader(column('_sequence_number'));
    this.#indexes = numberReader(column('_index'));
    this.#eventTimes = numberReader(column('event_time'));
    this.#values = fields.map((name) => numberReader(column(name)));
  }

  device(row: number): string {
    return this.#devices[row]!;
  }

  sequenceNumber(row: number): number {
    return this.#sequenceNumbers(row)!;
  }

  signal(
    rows: readonly number[],
    facts: Pick<ShardSignal, 'source' | 'partition' | 'from' | 'to' | 'nowMs' | 'fields'>,
  ): ShardSignal {
    const { source, partition, from, to, nowMs, fields } = facts;
    const positions = new Map<string, number>();
    const device = rows.map((row) => {
      const id = this.device(row);
      const known = positions.get(id);
      if (known !== undefined) return known;
      positions.set(id, positions.size);
      return positions.size - 1;
    });
    return {
      ...{ v: 1, source, partition, from, to, nowMs, fields },
      devices: [...positions.keys()],
      device,
      sequenceNumber: rows.map((row) => this.sequenceNumber(row)),
      index: rows.map((row) => this.#indexes(row)!),
      eventTime: rows.map((row) => this.#eventTimes(row)!),
      values: this.#values.map((value) => rows.map(value)),
    };
  }
}

type NumberReader = (row: number) => number | null;

/** Integers beyond 2^53 become the nearest double, as every aggregate is a double. */
function numberReader(column: ColumnValues): NumberReader {
  if (column.kind !== 'numbers') throw new TypeError('Signals carry numbers only.');
  const { values, validity } = column;
  if (validity === undefined) return (row) => Number(values[row]);
  return (row) => (validity[row] === 0 ? null : Number(values[row]));
}
