import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock, silentLogger, TributaryError } from '../../shared/base/index.js';
import type { AppendRequest } from '../../shared/delta/index.js';
import { createMemorySender } from '../../shared/messaging/index.js';
import type { ColumnBatch, DataBatch } from '../../shared/parquet/index.js';
import {
  deviceKey,
  LatestState,
  type NumberedBatch,
  ResultPublisher,
  type ResultTable,
  ResultTables,
  recentAlertCount,
  recentAlerts,
  shardPartition,
} from '../../shared/results/index.js';
import { planShards, type SealedBatch } from '../../shared/shards/index.js';
import { createMemoryLedger } from '../../shared/storage/index.js';
import { minuteMs, shardPipeline, startMs, type TestReading, TestShard } from '../support/shardHarness.js';

const pipeline = shardPipeline();

function batchOf(readings: readonly TestReading[], nowMs = startMs): NumberedBatch {
  const shard = new TestShard(planShards(pipeline));
  shard.ingest(readings);
  return numbered(shard.seal({ nowMs }));
}

function numbered(batch: SealedBatch): NumberedBatch {
  assert.notEqual(batch.number, null);
  return { ...batch, shard: 3, number: batch.number ?? -1 };
}

/** Rows as objects, nulls left out. */
function rowsOf({ rowCount, fields, columns }: ColumnBatch): Record<string, unknown>[] {
  return Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries(
      fields.flatMap(({ name }, index) => {
        const column = columns[index]!;
        const isNull = column.kind === 'numbers' && column.validity?.[row] === 0;
        const value = column.values[row];
        return isNull || value === null ? [] : [[name, value]];
      }),
    ),
  );
}

describe('rows of results', () => {
  const batch = batchOf([
    { device: 'a', at: 0, temperature: 20, sequenceNumber: 1 },
    { device: 'a', at: 30, temperature: 36, sequenceNumber: 2, index: 3 },
    { device: 'a', at: 95, sequenceNumber: 3 },
    { device: 'a', at: 1, temperature: 5, sequenceNumber: 4 },
  ]);
  const tables = new Map(
    new ResultTables(pipeline).batchesOf(batch).map(([name, rows]) => [name, rowsOf(rows)]),
  );
  const us = (seconds: number) => (startMs + seconds * 1000) * 1000;

  it('have the aggregates of each metric, in the columns of the seed', () => {
    assert.deepEqual(tables.get('windows'), [
      {
        device_id: 'a',
        window_start: us(0),
        window_end: us(60),
        message_count: 2,
        avg_temperature: 28,
        min_temperature: 20,
        max_temperature: 36,
        first_temperature: 20,
        last_temperature: 36,
        sum_temperature: 56,
        count_temperature: 2,
        temperature_range: 16,
        count_humidity: 0,
        window_name: 'minutes',
        closed_by: 'watermark',
        closed_at: us(0),
        _shard: 3,
        _batch: 0,
      },
    ]);
  });

  it('say which rule an alert comes from, and which reading', () => {
    const [alert] = tables.get('alerts') ?? [];
    assert.match(String(alert?.alert_id), /^[0-9a-f]{32}$/);
    assert.deepEqual(
      { ...alert, alert_id: '' },
      {
        device_id: 'a',
        event_time: us(30),
        temperature: 36,
        alert_type: 'HOT',
        alert_message: 'Hot: 36',
        severity: 'CRITICAL',
        alert_id: '',
        alert_group: 'temperature',
        transition: 'breach',
        alert_field: 'temperature',
        alert_value: 36,
        alert_threshold: 35,
        out_of_order: 0,
        _source: 'sensor-data',
        _partition: '0',
        _sequence_number: 2,
        _index: 3,
        _shard: 3,
        _batch: 0,
      },
    );
  });

  it('keep late readings with their watermark', () => {
    assert.deepEqual(tables.get('lateReadings'), [
      {
        device_id: 'a',
        event_time: us(1),
        temperature: 5,
        watermark: us(65),
        _source: 'sensor-data',
        _partition: '0',
        _sequence_number: 4,
        _index: 0,
        _shard: 3,
        _batch: 0,
      },
    ]);
  });

  it('put what a shard could not work with into quarantine', () => {
    const shard = new TestShard();
    shard.run('ingest', { v: 7 });
    const batches = new ResultTables(pipeline).batchesOf(numbered(shard.seal()));
    assert.deepEqual(
      batches.map(([name]) => name),
      ['quarantine'],
    );
    const [row] = rowsOf(batches[0]![1]);
    assert.equal(row?.reason, 'processing_failed');
    assert.match(String(row?.detail), /^Not counted in windows and alerts: INPUT_INVALID/);
    assert.equal(new TextDecoder().decode(row?.body as Uint8Array), '{"v":7}');
  });

  it('put what a full shard did not take in into quarantine, under a reason of its own', () => {
    const small = shardPipeline({
      windows: { definitions: { minutes: { kind: 'tumbling', sizeMs: minuteMs } }, maxShardBytes: 65_536 },
    });
    const shard = new TestShard(planShards(small));
    shard.ingest(
      Array.from({ length: 400 }, (_, sequenceNumber) => ({
        device: `d${sequenceNumber}`,
        at: 0,
        sequenceNumber,
      })),
    );
    const batches = new Map(new ResultTables(small).batchesOf(numbered(shard.seal())));
    const rows = rowsOf(batches.get('quarantine')!);
    assert.equal(rows.length, 400 - shard.describe().devices);
    assert.equal(rows.at(-1)?.reason, 'shard_full');
    assert.equal(rows.at(-1)?.device_id, 'd399');
    assert.match(String(rows.at(-1)?.detail), /SHARD_FULL: the shard holds \d+ bytes for \d+ devices/);
  });

  it('are refused for fields whose columns would have one name', () => {
    const clashing = shardPipeline({
      fields: { temperature: { type: 'double' }, Min_x: { type: 'double' }, x_range: { type: 'double' } },
    });
    assert.throws(
      () => new ResultTables(clashing),
      (error) => error instanceof TributaryError && /min_x_range/i.test(error.message),
    );
  });
});

/** A table that commits, and remembers what. */
class MemoryAppender {
  readonly committed = new Map<string, number>();
  readonly batches: DataBatch[] = [];
  failure: Error | undefined;

  async append({ prepare }: AppendRequest) {
    if (this.failure !== undefined) throw this.failure;
    const prepared = prepare(this.committed, { version: 0, metadata: {} as never, columns: [] });
    if (prepared === undefined) return { kind: 'alreadyCommitted', version: 1 } as const;
    for (const { appId, version } of prepared.transactions) this.committed.set(appId, version);
    this.batches.push(prepared.batch);
    return { kind: 'committed', version: 1, rowCount: prepared.batch.rowCount } as const;
  }
}

function createPublisher() {
  const appenders: Record<ResultTable, MemoryAppender> = {
    windows: new MemoryAppender(),
    alerts: new MemoryAppender(),
    lateReadings: new MemoryAppender(),
    quarantine: new MemoryAppender(),
  };
  const sender = createMemorySender();
  const ledger = createMemoryLedger();
  const latest = new LatestState(ledger, new Set(['minutes']));
  const publisher = new ResultPublisher({
    ...{ tables: new ResultTables(pipeline), appenders, alerts: sender, alertSource: '/x', latest },
    clock: new ManualClock(startMs),
    logger: silentLogger,
  });
  return { appenders, sender, ledger, latest, publisher };
}

describe('publishing a batch', () => {
  const hot = batchOf([{ device: 'a', at: 0, temperature: 40, sequenceNumber: 1 }]);

  it('commits once and sends again when it comes again', async () => {
    const { appenders, sender, publisher } = createPublisher();
    assert.deepEqual(await publisher.publish(hot), { kind: 'published', shard: 3, number: 0 });
    await publisher.publish(hot);
    assert.equal(appenders.alerts.batches.length, 1);
    assert.deepEqual([...appenders.alerts.committed], [[`results/3/${startMs}`, 0]]);
    assert.equal(sender.sent.length, 2);
    assert.equal(sender.sent[0]?.messageId, sender.sent[1]?.messageId);
    assert.equal(appenders.windows.batches.length, 0, 'a table without rows gets no commit');
  });

  it('takes the batches of a shard whose state was born again', async () => {
    const { appenders, publisher } = createPublisher();
    await publisher.publish(hot);
    await publisher.publish({ ...hot, bornMs: startMs + 1 });
    assert.equal(appenders.alerts.batches.length, 2);
  });

  it('sends no alert that is not in the table, and says what failed', async () => {
    const { appenders, sender, publisher } = createPublisher();
    appenders.alerts.failure = new TributaryError('STORAGE_UNAVAILABLE', 'down');
    const outcome = await publisher.publish(hot);
    assert.deepEqual(outcome, { kind: 'failed', shard: 3, error: 'STORAGE_UNAVAILABLE: down' });
    assert.equal(sender.sent.length, 0);
  });

  it('fails when the alert hub does, and succeeds later without a second row', async () => {
    const { appenders, sender, publisher } = createPublisher();
    sender.failNext(new TributaryError('PUBLISH_FAILED', 'no hub'));
    assert.equal((await publisher.publish(hot)).kind, 'failed');
    assert.equal((await publisher.publish(hot)).kind, 'published');
    assert.deepEqual([appenders.alerts.batches.length, sender.sent.length], [1, 1]);
  });
});

describe('the latest state', () => {
  it('has the newest of a device, its alerts, and closed windows that stay', async () => {
    const { ledger, publisher } = createPublisher();
    const device = 'Gerät/1 #?';
    await publisher.publish(
      batchOf([
        { device, at: 0, temperature: 40, sequenceNumber: 1 },
        { device, at: 95, temperature: 21, sequenceNumber: 2 },
      ]),
    );
    const partition = shardPartition(3);
    const row = await ledger.get({ partition, row: `device|${deviceKey(device)}` });
    assert.equal(row?.values.device, device);
    assert.equal(row?.values.eventTimeMicros, (startMs + 95_000) * 1000);
    assert.equal(row?.values.watermarkMicros, (startMs + 65_000) * 1000);
    assert.deepEqual(JSON.parse(String(row?.values.values)), { temperature: 21 });
    const alerts = recentAlerts(await ledger.get({ partition, row: `alerts|${deviceKey(device)}` }));
    assert.deepEqual(
      alerts.map(({ rule, value }) => [rule, value]),
      [['HOT', 40]],
    );
    const windows: unknown[] = [];
    for await (const { values } of ledger.list({ partition, rowFrom: 'window|', rowBefore: 'window}' })) {
      windows.push([
        values.definition,
        values.messageCount,
        JSON.parse(String(values.metrics)).temperature.max,
      ]);
    }
    assert.deepEqual(windows, [['minutes', 1, 40]]);
  });

  it('keeps the newest alerts of a device, each once', async () => {
    const { ledger, publisher } = createPublisher();
    const shard = new TestShard();
    for (let round = 0; round < 3; round++) {
      shard.ingest(
        Array.from({ length: 10 }, (_, index) => ({
          device: 'a',
          at: round * 10 + index,
          temperature: 40 + index,
          sequenceNumber: round * 10 + index,
        })),
      );
      const batch = numbered(shard.seal({ nowMs: startMs + round }));
      await publisher.publish(batch);
      await publisher.publish(batch);
      shard.acknowledge(batch.number);
    }
    const row = await ledger.get({ partition: shardPartition(3), row: 'alerts|a' });
    const times = recentAlerts(row).map(({ eventTimeMicros }) => eventTimeMicros);
    assert.equal(times.length, recentAlertCount);
    assert.deepEqual(
      times,
      Array.from({ length: recentAlertCount }, (_, index) => (startMs + (29 - index) * 1000) * 1000),
    );
  });

  it('holds what the shards say of themselves', async () => {
    const { latest, publisher } = createPublisher();
    const shard = new TestShard();
    shard.ingest([{ device: 'a', at: 0, temperature: 20, sequenceNumber: 1 }]);
    await publisher.publish({ ...shard.seal({ nowMs: startMs + minuteMs }), shard: 11 });
    await publisher.publish({ ...new TestShard().seal({ nowMs: startMs + minuteMs }), shard: 2 });
    const summaries = await latest.summaries();
    assert.deepEqual(
      summaries.map((summary) => [
        summary.shard,
        summary.devices,
        summary.openWindows,
        summary.watermarkMinMicros,
      ]),
      [
        [2, 0, 0, null],
        [11, 1, 1, (startMs - 30_000) * 1000],
      ],
    );
  });

  it('has keys for ids of any kind', () => {
    const long = 'ü'.repeat(256);
    const keys = ['a', 'A', 'a/b', 'a%2Fb', '\ud800', long, `${long}x`].map(deviceKey);
    assert.equal(new Set(keys).size, keys.length);
    assert.ok(keys.every((key) => key.length <= 400 && !/[/\\#?]/.test(key)));
  });
});
