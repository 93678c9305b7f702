// Envelopes of Event Hubs Capture and of IoT Hub's routes to storage.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ExactNumber, readRecords } from '../../../shared/autoloader/formats/index.js';
import { landed, readShort } from './landed.js';
import { avroFile } from './writeAvro.js';

const captureSchema = {
  type: 'record',
  name: 'EventData',
  namespace: 'Microsoft.ServiceBus.Messaging',
  fields: [
    { name: 'SequenceNumber', type: 'long' },
    { name: 'Offset', type: 'string' },
    { name: 'EnqueuedTimeUtc', type: 'string' },
    { name: 'SystemProperties', type: { type: 'map', values: ['long', 'double', 'string', 'bytes'] } },
    { name: 'Properties', type: { type: 'map', values: ['long', 'double', 'string', 'bytes', 'null'] } },
    { name: 'Body', type: ['null', 'bytes'] },
  ],
};

const captured = (sequenceNumber: number, body: Buffer | string | null) => ({
  SequenceNumber: sequenceNumber,
  Offset: `${sequenceNumber * 100}`,
  EnqueuedTimeUtc: '11/21/2026 8:20:00 AM',
  SystemProperties: { 'iothub-connection-device-id': { string: 'dev-1' }, 'x-opt': { long: 7 } },
  Properties: { site: { string: 'north' } },
  Body: typeof body === 'string' ? Buffer.from(body) : body,
});

const captureEnvelope = (sequenceNumber: number) => ({
  source: 'eventHubsCapture',
  enqueued_time: '11/21/2026 8:20:00 AM',
  sequence_number: sequenceNumber,
  offset: `${sequenceNumber * 100}`,
  device_id: 'dev-1',
  properties: { site: 'north' },
  system_properties: { 'iothub-connection-device-id': 'dev-1', 'x-opt': 7 },
});

describe('Event Hubs Capture', () => {
  it('becomes the JSON of the bodies, objects and arrays, also in gzip', async () => {
    const bytes = await avroFile(captureSchema, [
      captured(1, '{"t":21.5,"n":9007199254740993}'),
      captured(2, '[{"t":1},{"t":2}]'),
      captured(3, gzipSync('{"t":3}')),
    ]);
    assert.deepEqual(await readShort(landed('0.avro', bytes)), [
      { t: 21.5, n: new ExactNumber('9007199254740993'), _envelope: captureEnvelope(1) },
      { t: 1, _envelope: captureEnvelope(2) },
      { t: 2, _envelope: captureEnvelope(2) },
      { t: 3, _envelope: captureEnvelope(3) },
    ]);
  });

  it('has bad records for bodies that are no JSON, with their bytes', async () => {
    const bodies = [
      'nope',
      '',
      null,
      '17',
      '[]',
      '[{"a":1},2]',
      Buffer.from([0xff]),
      Buffer.from([0x1f, 0x8b, 1]),
    ];
    const bytes = await avroFile(
      captureSchema,
      bodies.map((body, index) => captured(index, body)),
    );
    assert.deepEqual(await readShort(landed('0.avro', bytes)), [
      'invalid_json: nope',
      'empty_body: ',
      'empty_body: ',
      'not_an_object: 17',
      'empty_body: []',
      { a: 1, _envelope: captureEnvelope(5) },
      'not_an_object: [{"a":1},2]',
      'invalid_utf8: \xff',
      'invalid_gzip: \x1f\x8b\x01',
    ]);
  });

  it('declares no columns, since they would be those of the envelope', async () => {
    const bytes = await avroFile(captureSchema, [captured(1, '{"t":1}')]);
    for await (const chunk of readRecords(landed('0.avro', bytes))) assert.equal(chunk.fields, undefined);
    for await (const chunk of readRecords(landed('0.avro', bytes), { unwrapEnvelopes: false })) {
      assert.deepEqual(
        chunk.fields?.map(({ name }) => name),
        ['SequenceNumber', 'Offset', 'EnqueuedTimeUtc', 'Body'],
      );
    }
  });

  it('without events has no records', async () => {
    assert.deepEqual(await readShort(landed('0.avro', await avroFile(captureSchema, []))), []);
  });
});

describe('routes of IoT Hub', () => {
  const routed = (body: unknown) => ({
    EnqueuedTimeUtc: '2026-11-21T08:20:00.0000000Z',
    Properties: { alert: 'no' },
    SystemProperties: { connectionDeviceId: 'dev-2', contentType: 'application/json' },
    Body: body,
  });
  const envelope = {
    source: 'iotHub',
    enqueued_time: '2026-11-21T08:20:00.0000000Z',
    sequence_number: null,
    offset: null,
    device_id: 'dev-2',
    properties: { alert: 'no' },
    system_properties: { connectionDeviceId: 'dev-2', contentType: 'application/json' },
  };
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  it('in JSON have bodies of JSON, of base64, or of text', async () => {
    const lines = [{ t: 1 }, [{ t: 2 }], base64('{"t":3}'), '{"t":4}', 'hello', base64('hello'), null];
    const text = lines.map((body) => JSON.stringify(routed(body))).join('\n');
    assert.deepEqual(await readShort(landed('00.json', text)), [
      { t: 1, _envelope: envelope },
      { t: 2, _envelope: envelope },
      { t: 3, _envelope: envelope },
      { t: 4, _envelope: envelope },
      'invalid_json: hello',
      'invalid_json: hello',
      'empty_body: ',
    ]);
  });

  it('in Avro have bodies of bytes', async () => {
    const schema = {
      type: 'record',
      name: 'Message',
      fields: [
        { name: 'EnqueuedTimeUtc', type: 'string' },
        { name: 'Properties', type: { type: 'map', values: 'string' } },
        { name: 'SystemProperties', type: { type: 'map', values: 'string' } },
        { name: 'Body', type: ['null', 'bytes'] },
      ],
    };
    const bytes = await avroFile(schema, [routed(Buffer.from('{"t":1}'))]);
    assert.deepEqual(await readShort(landed('00.avro', bytes)), [{ t: 1, _envelope: envelope }]);
  });

  it('keep a member of the body that is called as the envelope', async () => {
    const text = JSON.stringify(routed({ _envelope: 5 }));
    assert.deepEqual(await readShort(landed('a.json', text)), [{ _envelope: { ...envelope, shadowed: 5 } }]);
  });

  it('are not seen in records that merely have a body, nor when that is turned off', async () => {
    const others = [{ Body: 'x' }, { ...routed('x'), more: 1 }];
    assert.deepEqual(await readShort(landed('a.json', JSON.stringify(others))), others);
    const text = JSON.stringify(routed('x'));
    assert.deepEqual(await readShort(landed('a.json', text), { unwrapEnvelopes: false }), [routed('x')]);
  });
});
