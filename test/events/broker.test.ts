// IoT Hub's system properties, Kafka keys and headers, and values that come from the broker rather than the body.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import defaultPipeline from '../../pipeline.js';
import { createEventDecoder } from '../../shared/events/index.js';
import type { Pipeline } from '../../shared/pipeline/index.js';
import { eventBatch, ingestTimeMs, type Row, rowsOf, type TestEvent } from './batches.js';
import { pipelineWith } from './pipelines.js';

const time = '"time":"2025-10-06T10:00:00Z"';

function decode(pipeline: Pipeline, event: TestEvent): { readings: Row[]; quarantine: Row[] } {
  const decoded = createEventDecoder(pipeline).decode(eventBatch([event]), ingestTimeMs);
  return { readings: rowsOf(decoded.readings), quarantine: rowsOf(decoded.quarantine) };
}

describe('an event of IoT Hub', () => {
  const system = { 'iothub-connection-device-id': 'hub-device', 'iothub-message-source': 'Telemetry' };
  const decodeHub = (body: string, more = {}) =>
    decode(defaultPipeline, { body, system: { ...system, ...more } });
  const ts = '"ts":"2025-10-06T10:00:00Z"';

  it('takes the device that the hub authenticated', () => {
    assert.equal(decodeHub(`{${ts}}`).readings[0]?.device_id, 'hub-device');
  });

  it('takes a body that names the same device', () => {
    const { readings } = decodeHub(`{${ts},"deviceId":"hub-device"}`);
    assert.deepEqual([readings[0]?.device_id, readings[0]?._rescued_data], ['hub-device', null]);
  });

  it('quarantines a body that names another device, under the authenticated one', () => {
    const { readings, quarantine } = decodeHub(`[{${ts},"deviceId":"other"},{${ts}}]`);
    assert.deepEqual([readings.length, readings[0]?._index], [1, 1]);
    const [row] = quarantine;
    assert.deepEqual([row?.reason, row?.device_id, row?._index], ['device_id_mismatch', 'hub-device', 0]);
    assert.equal(
      row?.detail,
      'deviceId ("other") is not the device that IoT Hub authenticated, "hub-device".',
    );
  });

  it('quarantines a body whose claim cannot be read', () => {
    assert.equal(decodeHub(`{${ts},"deviceId":{"a":1}}`).quarantine[0]?.reason, 'device_id_mismatch');
    assert.equal(decodeHub(`{${ts},"deviceId":""}`).quarantine[0]?.reason, 'device_id_mismatch');
  });

  it('quarantines what is no telemetry, whole', () => {
    const { quarantine } = decodeHub(`{${ts}}`, { 'iothub-message-source': 'twinChangeEvents' });
    const [row] = quarantine;
    assert.deepEqual([row?.reason, row?.device_id, row?._index], ['not_telemetry', 'hub-device', -1]);
    assert.equal(row?.detail, 'The message source is "twinChangeEvents".');
  });

  it('takes the message source in any letters', () => {
    assert.equal(decodeHub(`{${ts}}`, { 'iothub-message-source': 'telemetry' }).readings.length, 1);
  });

  it('does not carry the device over to the next event', () => {
    const batch = eventBatch([{ body: `{${ts}}`, system }, { body: `{${ts}}` }]);
    const decoded = createEventDecoder(defaultPipeline).decode(batch, ingestTimeMs);
    const [row] = rowsOf(decoded.quarantine);
    assert.deepEqual([row?.reason, row?.device_id], ['missing_device_id', null]);
  });
});

describe('the path @key', () => {
  const pipeline = pipelineWith({ x: { type: 'long' } }, { deviceId: { from: ['id', '@key'] } });
  const deviceOf = (system: Row, body = `{${time}}`) =>
    decode(pipeline, { body, system }).readings[0]?.device_id;

  it('is the partition key', () => {
    assert.equal(deviceOf({ partitionKey: 'p' }), 'p');
    assert.equal(deviceOf({ 'x-opt-partition-key': 'p' }), 'p');
  });

  it('is the key of a Kafka record, in every form that bytes arrive in', () => {
    const bytes = new TextEncoder().encode('gerät');
    const base64 = Buffer.from(bytes).toString('base64');
    const forms = [
      bytes,
      Buffer.from(bytes),
      { type: 'Buffer', data: [...bytes] },
      [...bytes],
      base64,
      'gerät',
    ];
    for (const form of forms) assert.equal(deviceOf({ 'x-opt-kafka-key': form }), 'gerät');
  });

  it('is not used where the body has a value, and then not rescued', () => {
    const { readings } = decode(pipeline, { body: `{${time},"id":"b"}`, system: { partitionKey: 'p' } });
    assert.deepEqual([readings[0]?.device_id, readings[0]?._rescued_data], ['b', null]);
  });

  it('that is no text makes the device id invalid', () => {
    const { quarantine } = decode(pipeline, {
      body: `{${time}}`,
      system: { 'x-opt-kafka-key': Uint8Array.of(0xff) },
    });
    assert.equal(quarantine[0]?.reason, 'invalid_device_id');
  });
});

describe('a property', () => {
  const pipeline = pipelineWith({
    site: { type: 'string', from: ['@property.Site', 'site'] },
    level: { type: 'double', from: '@property.level' },
    created: { type: 'timestamp', from: '@system.creation-time-utc' },
  });
  const read = (properties: Row, system: Row = {}, members = '') => {
    const event = { body: `{"id":"d",${time}${members}}`, properties, system };
    const { readings } = decode(pipeline, event);
    return ['site', 'level', 'created', '_rescued_data'].map((name) => readings[0]?.[name]);
  };

  it('is found with its first letter in lower case, as the host makes it', () => {
    assert.deepEqual(read({ site: 'north' }), ['north', null, null, null]);
    assert.deepEqual(read({ Site: 'north' }), ['north', null, null, null]);
  });

  it('of a Kafka header is decoded from bytes, and from the base64 that the host makes of them', () => {
    const withHeader = pipelineWith({ site: { type: 'string', from: '@header.Site' } });
    for (const site of [Buffer.from('abcd'), Buffer.from('abcd').toString('base64')]) {
      const { readings } = decode(withHeader, { body: `{"id":"d",${time}}`, properties: { site } });
      assert.equal(readings[0]?.site, 'abcd');
    }
  });

  it('is decoded from bytes', () => {
    assert.deepEqual(
      read({ site: Buffer.from('nord'), level: { type: 'Buffer', data: [0x31, 0x2e, 0x35] } }),
      ['nord', 1.5, null, null],
    );
  });

  it('has its type', () => {
    assert.deepEqual(read({ site: 7, level: '2.5' }), ['7', 2.5, null, null]);
    const created = new Date(Date.UTC(2025, 9, 6));
    assert.deepEqual(read({}, { 'creation-time-utc': created }), [
      null,
      null,
      created.getTime() * 1000,
      null,
    ]);
    assert.deepEqual(read({}, { 'creation-time-utc': created.toISOString() }), [
      null,
      null,
      created.getTime() * 1000,
      null,
    ]);
  });

  it('comes before the body where the pipeline says so, and the body is rescued', () => {
    assert.deepEqual(read({ site: 'north' }, {}, ',"site":"south"'), [
      'north',
      null,
      null,
      '{"site":"south"}',
    ]);
    assert.deepEqual(read({}, {}, ',"site":"south"'), ['south', null, null, null]);
  });

  it('that does not fit is rescued under its path', () => {
    assert.deepEqual(read({ level: 'high' }, {}, ',"n":1.0'), [
      null,
      null,
      null,
      '{"n":1.0,"@property.level":"high"}',
    ]);
    assert.deepEqual(read({ level: Uint8Array.of(0xff) })[3], '{"@property.level":{"0":255}}');
    assert.deepEqual(read({ level: 10n ** 20n })[3], '{"@property.level":"100000000000000000000"}');
  });

  it('is never one of Object.prototype', () => {
    const odd = pipelineWith({ x: { type: 'string', from: ['@property.constructor', '@system.toString'] } });
    assert.equal(decode(odd, { body: `{"id":"d",${time}}` }).readings[0]?.x, null);
  });
});

describe('the properties of a quarantined event', () => {
  const propertiesOf = (event: Partial<TestEvent>) => {
    const [row] = decode(defaultPipeline, { body: 'no JSON', ...event }).quarantine;
    return row?.properties;
  };

  it('are kept as JSON', () => {
    const system = { partitionKey: 'p', sequenceNumber: 5 };
    const properties = { site: Buffer.from('nord'), raw: [0xff, 0xfe] };
    assert.equal(
      propertiesOf({ system, properties }),
      '{"application":{"site":"nord","raw":[255,254]},"system":{"partitionKey":"p","sequenceNumber":5}}',
    );
  });

  it('are null when there are none', () => {
    assert.equal(propertiesOf({}), null);
  });

  it('never get in the way, whatever they are', () => {
    const circular: Row = { n: 1n, undefined: undefined };
    assert.equal(propertiesOf({ properties: circular }), '{"application":{"n":"1","undefined":null}}');
    circular.self = circular;
    assert.match(String(propertiesOf({ properties: circular })), /^\{"error":"TypeError: /);
  });
});
