// Made-up telemetry for the benchmarks, in columns as ingest makes them.
import { type Random, seededRandom } from '../shared/base/index.js';
import type { StructType } from '../shared/delta/index.js';
import {
  BatchBuilder,
  type ColumnBatch,
  type ColumnField,
  type ColumnType,
} from '../shared/parquet/index.js';

export const telemetryFields: readonly ColumnField[] = (
  [
    ['device_id', 'string', false],
    ['event_time', 'timestamp', false],
    ['temperature', 'double', true],
    ['humidity', 'double', true],
    ['battery', 'double', true],
    ['firmware', 'string', true],
    ['status', 'string', true],
    ['_rescued_data', 'string', true],
    ['_partition', 'integer', false],
    ['_sequence_number', 'long', false],
    ['_index', 'integer', false],
    ['_enqueued_time', 'timestamp', false],
  ] as const satisfies readonly (readonly [string, ColumnType, boolean])[]
).map(([name, type, nullable]) => ({ name, type, nullable }));

export const telemetrySchema: StructType = {
  type: 'struct',
  fields: telemetryFields.map(({ name, type, nullable }) => ({ name, type, nullable, metadata: {} })),
};

/** Readings of 5,000 devices, the same for the same seed. */
export function telemetry(rowCount: number, seed = 1): ColumnBatch {
  const random = seededRandom(seed);
  const builder = new BatchBuilder(telemetryFields, rowCount);
  let eventTime = 1_759_745_400_000_000;
  for (let row = 0; row < rowCount; row++) {
    eventTime += Math.floor(random.next() * 1000);
    appendReading(builder, random, row, eventTime);
  }
  return builder.finish();
}

function appendReading(builder: BatchBuilder, random: Random, row: number, eventTime: number): void {
  builder.setText(0, `device-${String(Math.floor(random.next() * 5000)).padStart(5, '0')}`);
  builder.setNumber(1, eventTime);
  builder.setNumber(2, 20 + random.next() * 10);
  builder.setNumber(3, Math.round(random.next() * 1000) / 10);
  if (random.next() < 0.8) builder.setNumber(4, random.next() * 100);
  builder.setText(5, `1.2.${Math.floor(random.next() * 5)}`);
  if (random.next() < 0.9) builder.setText(6, random.next() < 0.95 ? 'ok' : 'degraded');
  if (random.next() < 0.01) builder.setText(7, `{"unexpected":${row}}`);
  builder.setNumber(8, 3);
  builder.setNumber(9, 1_000_000 + row);
  builder.setNumber(10, 0);
  builder.setNumber(11, 1_759_745_400_000_000 + Math.floor(row / 100) * 100_000);
  builder.endRow();
}
