// The sample files of the book, decoded as they are: the rows that its jobs should have produced.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import pipeline from '../../pipeline.js';
import { createEventDecoder } from '../../shared/events/index.js';
import { eventBatch, ingestTimeMs, type Row, rowsOf } from './batches.js';

const seeds = join(import.meta.dirname, '..', '..', '..', 'test', 'golden', 'seed');

interface SeedReading {
  readonly deviceId: string;
  readonly ts: string;
  readonly temperature: number;
  readonly battery: number;
  readonly humidity?: number;
  readonly pressure?: number;
  readonly lat?: number;
  readonly lon?: number;
  readonly status?: string;
}

function decodeSeed(name: string): { readonly sent: readonly SeedReading[]; readonly rows: readonly Row[] } {
  const body = readFileSync(join(seeds, name), 'utf8');
  const decoded = createEventDecoder(pipeline).decode(eventBatch([{ body }]), ingestTimeMs);
  assert.equal(decoded.quarantine.rowCount, 0);
  return { sent: JSON.parse(body) as SeedReading[], rows: rowsOf(decoded.readings) };
}

/** Percent from a fraction by its digits: 0.94 is "94". */
function percentOf(fraction: number): number {
  return Number(`${fraction}e2`);
}

for (const name of ['iot_sample.json', 'iot_sample_part2.json']) {
  describe(name, () => {
    it('gives ten complete rows, with the battery in percent', () => {
      const { sent, rows } = decodeSeed(name);
      assert.equal(sent.length, 10);
      const expected = sent.map((reading, index) => ({
        device_id: reading.deviceId,
        event_time: Date.parse(reading.ts) * 1000,
        temperature: reading.temperature,
        humidity: reading.humidity,
        pressure: reading.pressure,
        battery: percentOf(reading.battery),
        lat: reading.lat,
        lon: reading.lon,
        status: reading.status,
        _rescued_data: null,
        _rules: 'battery_fraction_to_percent',
        _source: 'sensor-data',
        _partition: '3',
        _sequence_number: 100,
        _index: index,
        _enqueued_time: Date.UTC(2025, 9, 6, 10, 5) * 1000,
        _ingest_time: ingestTimeMs * 1000,
      }));
      assert.deepEqual(rows, expected);
    });
  });
}

describe('iot_sample.json', () => {
  it('starts with the facts that the book prints', () => {
    const [first] = decodeSeed('iot_sample.json').rows;
    assert.equal(first?.device_id, 'sensor-001');
    assert.equal(first?.event_time, Date.UTC(2025, 9, 5, 18, 40, 10) * 1000);
    assert.equal(first?.battery, 94);
    assert.equal(first?.lon, -123.1207);
  });

  it('raises no battery alert once the fraction is percent', () => {
    for (const name of ['iot_sample.json', 'iot_sample_part2.json']) {
      assert.ok(
        decodeSeed(name).rows.every((row) => Number(row.battery) >= 20 && Number(row.temperature) <= 30),
      );
    }
  });
});

describe('iot_sample_with_alerts.json', () => {
  const { sent, rows } = decodeSeed('iot_sample_with_alerts.json');

  it('gives twenty rows of five devices, with the battery as it was sent', () => {
    assert.equal(rows.length, 20);
    const facts = rows.map((row) => [row.device_id, row.event_time, row.temperature, row.battery]);
    assert.deepEqual(
      facts,
      sent.map((reading) => [
        reading.deviceId,
        Date.parse(reading.ts) * 1000,
        reading.temperature,
        reading.battery,
      ]),
    );
    for (const row of rows) {
      assert.deepEqual([row._rules, row._rescued_data, row.humidity, row.status], [null, null, null, null]);
    }
  });

  it('gives the aggregates of the window from 10:00 to 10:05', () => {
    const windowOf = (device: string) => {
      const own = rows.filter((row) => row.device_id === device);
      const temperatures = own.map((row) => Number(row.temperature));
      const batteries = own.map((row) => Number(row.battery));
      const last = own.toSorted((a, b) => Number(a.event_time) - Number(b.event_time)).at(-1);
      const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
      const summary = (values: number[]) => [average(values), Math.min(...values), Math.max(...values)];
      return [own.length, ...summary(temperatures), ...summary(batteries), last?.temperature, last?.battery];
    };
    assert.deepEqual(windowOf('device_1'), [5, 29, 25, 33, 75, 65, 85, 29, 65]);
    assert.deepEqual(windowOf('device_2'), [5, 28.3, 24.5, 32.5, 27.6, 8, 90, 31.5, 10]);
    assert.deepEqual(windowOf('device_3'), [5, 34.9, 26, 39, 79.6, 70, 88, 39, 70]);
    assert.deepEqual(windowOf('device_4'), [3, 127 / 3, 40, 45, 10 / 3, 2, 5, 45, 2]);
    assert.deepEqual(windowOf('device_5'), [2, 37.75, 37, 38.5, 16, 15, 17, 38.5, 17]);
  });

  it('holds the 15 alerts of the first rule that matches, and 5 normal readings', () => {
    const kindOf = (row: Row) => {
      const [temperature, battery] = [Number(row.temperature), Number(row.battery)];
      if (temperature > 35) return 'CRITICAL_TEMPERATURE';
      if (temperature > 30) return 'HIGH_TEMPERATURE';
      if (battery < 10) return 'CRITICAL_BATTERY';
      return battery < 20 ? 'LOW_BATTERY' : 'NORMAL';
    };
    const counts: Record<string, number> = {};
    for (const row of rows) counts[kindOf(row)] = (counts[kindOf(row)] ?? 0) + 1;
    assert.deepEqual(counts, {
      NORMAL: 5,
      HIGH_TEMPERATURE: 4,
      CRITICAL_TEMPERATURE: 9,
      CRITICAL_BATTERY: 1,
      LOW_BATTERY: 1,
    });
  });
});
