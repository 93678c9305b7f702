// Every reason for quarantine, with the bytes, the place and the words that a person needs.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  createEventDecoder,
  type QuarantineReason,
  quarantineFields,
  quarantineReasons,
} from '../../shared/events/index.js';
import { enqueuedMs, eventBatch, ingestTimeMs, type Row, rowsOf, type TestEvent } from './batches.js';
import { pipelineWith } from './pipelines.js';

const pipeline = pipelineWith(
  { x: { type: 'double', range: [0, 10], required: true } },
  {
    limits: { maxBodyBytes: 2_000, maxDepth: 4, maxReadingsPerEvent: 3 },
    deviceId: { from: 'id', maxLength: 5 },
  },
);
const decoder = createEventDecoder(pipeline);
const good = '{"id":"d","time":"2025-10-06T10:00:00Z","x":1}';

function decode(event: TestEvent): { readings: Row[]; quarantine: Row[] } {
  const decoded = decoder.decode(eventBatch([event]), ingestTimeMs);
  return { readings: rowsOf(decoded.readings), quarantine: rowsOf(decoded.quarantine) };
}

/** A system property that throws when it is read, as nothing should. */
const hostile = Object.defineProperty({}, 'iothub-connection-device-id', {
  enumerable: true,
  get: () => {
    throw new Error('not today');
  },
});

const bytes = (...values: number[]) => Uint8Array.from(values);
const bom = '\ufeff';

interface Case {
  readonly reason: QuarantineReason;
  readonly name: string;
  readonly event: TestEvent;
  readonly detail: RegExp;
  /** Default -1: the body is rejected whole. */
  readonly index?: number;
}

const cases: readonly Case[] = [
  {
    reason: 'empty_body',
    name: 'a Kafka tombstone',
    event: { body: bytes() },
    detail: /^The event has no body\.$/,
  },
  {
    reason: 'empty_body',
    name: 'gzip of nothing',
    event: { body: gzipSync('') },
    detail: /decompressed body is empty/,
  },
  { reason: 'empty_body', name: 'a byte order mark', event: { body: bom }, detail: /byte order mark only/ },
  {
    reason: 'invalid_gzip',
    name: 'truncated gzip',
    event: { body: gzipSync(good).subarray(0, 24) },
    detail: /unexpected end of file/,
  },
  {
    reason: 'invalid_gzip',
    name: 'the magic alone',
    event: { body: bytes(0x1f, 0x8b) },
    detail: /unexpected end of file/,
  },
  {
    reason: 'invalid_gzip',
    name: 'gzip with damaged bytes',
    event: { body: gzipSync(good).fill(7, 12, 20) },
    detail: /cannot be decompressed/,
  },
  {
    reason: 'invalid_gzip',
    name: 'text that calls itself gzip',
    event: { body: good, system: { 'content-encoding': 'GZIP' } },
    detail: /incorrect header check/,
  },
  {
    reason: 'invalid_gzip',
    name: 'text with such a Kafka header',
    event: { body: good, properties: { 'content-encoding': Buffer.from('gzip') } },
    detail: /incorrect header check/,
  },
  {
    reason: 'body_too_large',
    name: 'a long body',
    event: { body: `${good}${' '.repeat(2_000)}` },
    detail: /^The body has 2046 bytes; limits\.maxBodyBytes is 2000\.$/,
  },
  {
    reason: 'body_too_large',
    name: 'a gzip bomb',
    event: { body: gzipSync(Buffer.alloc(10_000_000, ' ')) },
    detail: /decompressed body is larger/,
  },
  {
    reason: 'invalid_utf8',
    name: 'Latin-1',
    event: { body: Buffer.from('{"id":"ger\u00e4t"}', 'latin1') },
    detail: /not UTF-8/,
  },
  {
    reason: 'invalid_utf8',
    name: 'half a surrogate pair in bytes',
    event: { body: bytes(0x22, 0xed, 0xa0, 0x80, 0x22) },
    detail: /not UTF-8/,
  },
  {
    reason: 'invalid_utf8',
    name: 'gzip of bytes',
    event: { body: gzipSync(bytes(0xff)) },
    detail: /not UTF-8/,
  },
  {
    reason: 'invalid_json',
    name: 'another format',
    event: { body: 'device_1;21.5' },
    detail: /^The body is not JSON: Unexpected token/,
  },
  {
    reason: 'invalid_json',
    name: 'a truncated body',
    event: { body: good.slice(0, -1) },
    detail: /^The body is not JSON: /,
  },
  { reason: 'invalid_json', name: 'NaN', event: { body: good.replace('1}', 'NaN}') }, detail: /not JSON/ },
  { reason: 'invalid_json', name: 'two values', event: { body: `${good}\n${good}` }, detail: /not JSON/ },
  { reason: 'invalid_json', name: 'white space', event: { body: ' \n' }, detail: /not JSON/ },
  {
    reason: 'too_deep',
    name: 'five levels',
    event: { body: '{"a":[[[[]]]]}' },
    detail: /deeper than limits\.maxDepth, 4\.$/,
  },
  {
    reason: 'too_deep',
    name: 'open brackets without end',
    event: { body: '['.repeat(1_999) },
    detail: /deeper/,
  },
  {
    reason: 'not_an_object',
    name: 'a number',
    event: { body: '5' },
    detail: /^The body is a number, not a JSON object\.$/,
  },
  { reason: 'not_an_object', name: 'null', event: { body: 'null' }, detail: /^The body is null/ },
  {
    reason: 'not_an_object',
    name: 'an element that is an array',
    event: { body: '[[1]]' },
    index: 0,
    detail: /^Element 0 of the body's array is an array/,
  },
  { reason: 'no_readings', name: 'an empty array', event: { body: ' [ ] ' }, detail: /empty array/ },
  {
    reason: 'too_many_readings',
    name: 'four readings',
    event: { body: '[1,2,3,4]' },
    detail: /^The body has 4 readings; limits\.maxReadingsPerEvent is 3\.$/,
  },
  {
    reason: 'not_telemetry',
    name: 'a twin change',
    event: { body: good, system: { 'iothub-message-source': 'twinChangeEvents' } },
    detail: /"twinChangeEvents"/,
  },
  {
    reason: 'not_telemetry',
    name: 'a twin change without body',
    event: { body: '', system: { 'iothub-message-source': 'x' } },
    detail: /"x"/,
  },
  {
    reason: 'missing_device_id',
    name: 'no id',
    event: { body: '{"x":1}' },
    index: 0,
    detail: /^There is no value at id\.$/,
  },
  {
    reason: 'missing_device_id',
    name: 'a null id',
    event: { body: '{"id":null}' },
    index: 0,
    detail: /no value at id/,
  },
  {
    reason: 'invalid_device_id',
    name: 'an empty id',
    event: { body: '{"id":""}' },
    index: 0,
    detail: /^id \(""\) is not a text of 1 to 5 characters\.$/,
  },
  {
    reason: 'invalid_device_id',
    name: 'a long id',
    event: { body: '{"id":"device"}' },
    index: 0,
    detail: /^id \("device"\)/,
  },
  {
    reason: 'invalid_device_id',
    name: 'an object as id',
    event: { body: '{"id":{"a":1}}' },
    index: 0,
    detail: /^id \(\{"a":1\}\)/,
  },
  {
    reason: 'invalid_device_id',
    name: 'half a surrogate pair as id',
    event: { body: '{"id":"\\ud800"}' },
    index: 0,
    detail: /^id \("\\ud800"\)/,
  },
  {
    reason: 'device_id_mismatch',
    name: 'a false id',
    event: { body: good, system: { 'iothub-connection-device-id': 'e' } },
    index: 0,
    detail: /^id \("d"\) is not the device/,
  },
  {
    reason: 'missing_event_time',
    name: 'no time',
    event: { body: '{"id":"d"}' },
    index: 0,
    detail: /no value at time/,
  },
  {
    reason: 'invalid_event_time',
    name: 'no real time',
    event: { body: '{"id":"d","time":"soon"}' },
    index: 0,
    detail: /^time \("soon"\) is not a time .* as iso\.$/,
  },
  {
    reason: 'event_time_in_future',
    name: 'a fast clock',
    event: { body: '{"id":"d","time":"2025-10-06T10:10:00.001Z"}' },
    index: 0,
    detail: /is 300001 ms after the event was enqueued; 300000 ms are allowed/,
  },
  {
    reason: 'missing_required_field',
    name: 'no x',
    event: { body: good.replace('"x":1', '"y":1') },
    index: 0,
    detail: /no value at x/,
  },
  {
    reason: 'invalid_required_field',
    name: 'x out of range',
    event: { body: good.replace('"x":1', '"x":10.5') },
    index: 0,
    detail: /^x \(10\.5\) does not fit the required column "x"/,
  },
  {
    reason: 'processing_failed',
    name: 'an event that makes decoding throw',
    event: { body: good, system: hostile },
    detail: /^Decoding failed: not today$/,
  },
];

describe('quarantine', () => {
  for (const { reason, name, event, detail, index = -1 } of cases) {
    it(`takes ${name} as ${reason}`, () => {
      const { readings, quarantine } = decode(event);
      assert.equal(readings.length, 0);
      assert.equal(quarantine.length, 1);
      const [row] = quarantine;
      assert.equal(row?.reason, reason);
      assert.match(String(row?.detail), detail);
      assert.equal(row?._index, index);
    });
  }

  it('has a test for every reason', () => {
    assert.deepEqual([...new Set(cases.map(({ reason }) => reason))].sort(), [...quarantineReasons].sort());
  });

  it('has the columns in their documented order', () => {
    assert.deepEqual(
      quarantineFields().map(({ name, type }) => `${name} ${type}`),
      [
        'reason string',
        'detail string',
        'body binary',
        'device_id string',
        'properties string',
        '_source string',
        '_partition string',
        '_sequence_number long',
        '_index integer',
        '_enqueued_time timestamp',
        '_ingest_time timestamp',
      ],
    );
  });

  it('keeps the exact bytes of a whole body, compressed as it came', () => {
    const body = gzipSync('{"id":"d"}');
    const [row] = decode({ body }).quarantine;
    assert.deepEqual(Buffer.from(row?.body as Uint8Array), body);
    assert.deepEqual([row?._index, row?.device_id], [0, 'd']);
  });

  it('keeps the exact bytes of one reading of an array, and takes the others', () => {
    const bad = '{ "id" : "é", "time": "2025-10-06T10:00:00Z","x": 1.50e2 }';
    const { readings, quarantine } = decode({ body: gzipSync(`${bom}[ ${good},\n${bad} , 7]`) });
    assert.deepEqual(
      readings.map((row) => [row._sequence_number, row._index]),
      [[100, 0]],
    );
    assert.deepEqual(
      quarantine.map((row) => [
        Buffer.from(row.body as Uint8Array).toString(),
        row.device_id,
        row._sequence_number,
        row._index,
      ]),
      [
        [bad, 'é', 100, 1],
        ['7', null, 100, 2],
      ],
    );
  });

  it('has the coordinates of the event', () => {
    const [row] = decode({ body: '' }).quarantine;
    const names = ['_source', '_partition', '_sequence_number', '_enqueued_time', '_ingest_time'];
    assert.deepEqual(
      names.map((name) => row?.[name]),
      ['sensor-data', '3', 100, enqueuedMs * 1000, ingestTimeMs * 1000],
    );
  });

  it('quotes long values in part, never half a character', () => {
    const [row] = decode({ body: `{"id":"${'😀'.repeat(100)}"}` }).quarantine;
    const detail = String(row?.detail);
    assert.ok(detail.length < 200);
    assert.equal(Buffer.from(detail).toString(), detail);
  });

  it('keeps the good events around one that makes decoding throw', () => {
    const events = [{ body: good }, { body: good, system: hostile }, { body: good }];
    const decoded = decoder.decode(eventBatch(events), ingestTimeMs);
    assert.deepEqual(
      rowsOf(decoded.readings).map((row) => row._sequence_number),
      [100, 102],
    );
    assert.equal(rowsOf(decoded.quarantine)[0]?._sequence_number, 101);
  });
});

describe('a reading that makes decoding throw', () => {
  it('is quarantined alone and leaves no cell behind', () => {
    const circular: Row = {};
    circular.self = circular;
    const withProperty = createEventDecoder(
      pipelineWith({ x: { type: 'double' }, level: { type: 'double', from: '@property.level' } }),
    );
    const plain = good.replace('"x":1', '"y":2');
    const events = [{ body: `[${good}, ${good} ]`, properties: { level: circular } }, { body: plain }];
    const decoded = withProperty.decode(eventBatch(events), ingestTimeMs);
    const facts = rowsOf(decoded.quarantine).map((row) => [
      row.reason,
      row._sequence_number,
      row._index,
      row.device_id,
      Buffer.from(row.body as Uint8Array).toString(),
    ]);
    assert.deepEqual(facts, [
      ['processing_failed', 100, 0, 'd', good],
      ['processing_failed', 100, 1, 'd', good],
    ]);
    assert.match(String(rowsOf(decoded.quarantine)[0]?.detail), /^Decoding failed: .*circular/s);
    const [row, ...others] = rowsOf(decoded.readings);
    assert.deepEqual(
      [others.length, row?._sequence_number, row?.x, row?._rescued_data],
      [0, 101, null, '{"y":2}'],
    );
  });
});

describe('reject', () => {
  it('gives one row for each whole event, whatever it holds', () => {
    const events = [
      { body: `[${good},${good}]` },
      { body: '', system: { 'iothub-connection-device-id': 'dev' } },
    ];
    const rows = rowsOf(decoder.reject(eventBatch(events), 'processing_failed', 'disk full', ingestTimeMs));
    assert.deepEqual(
      rows.map((row) => [
        row.reason,
        row.detail,
        row._sequence_number,
        row._index,
        row.device_id,
        (row.body as Uint8Array).length,
      ]),
      [
        ['processing_failed', 'disk full', 100, -1, null, 2 * good.length + 3],
        ['processing_failed', 'disk full', 101, -1, 'dev', 0],
      ],
    );
  });
});
