// Splicing the broker's annotations into events that stay bytes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import rhea from 'rhea';
import {
  type BrokerMarks,
  readBatch,
  readEvent,
  storedEventMaxBytes,
  withRuntimeMetrics,
  writeStoredEvent,
} from '../../../local/eventHubs/amqpCodec.js';
import { MalformedMessageError } from '../../../local/eventHubs/amqpValues.js';

const { types, message } = rhea;
const marks: BrokerMarks = {
  sequenceNumber: 7,
  offset: 3185,
  enqueuedMs: 1_700_000_000_123,
  partitionKey: undefined,
};

function store(bytes: Buffer, overrides: Partial<BrokerMarks> = {}): Buffer {
  const event = readEvent(bytes);
  const used = { ...marks, ...overrides };
  const target = Buffer.alloc(storedEventMaxBytes(event, used.partitionKey) + 3);
  // A start other than 0 shows a position that is taken for a length.
  return target.subarray(3, writeStoredEvent(target, 3, event, used));
}

/** Values keep their AMQP type: rhea's `Typed` objects instead of plain ones. */
function typedSections(bytes: Buffer): { code: number; type: string; value: unknown }[] {
  const reader = new (types as unknown as { Reader: new (b: Buffer) => SectionReader }).Reader(bytes);
  const sections = [];
  while (reader.remaining() > 0) {
    const section = reader.read();
    sections.push({ code: section.descriptor.value, type: section.type.name, value: section.value });
  }
  return sections;
}

/** What rhea's typings leave out of its reader. */
interface SectionReader {
  remaining(): number;
  read(): { descriptor: { value: number }; type: { name: string }; value: unknown };
}

describe('a stored event', () => {
  it('carries the broker annotations in the types of the service, and what the producer set', () => {
    const stored = store(
      message.encode({ body: 'x', message_annotations: { 'x-opt-partition-key': 'device-0', custom: 5 } }),
    );
    const annotations = typedSections(stored).find((section) => section.code === 0x72)?.value as {
      type: { name: string };
      value: unknown;
    }[];
    const pairs = annotations.map((item) => [item.type.name, item.value]);
    assert.deepEqual(pairs, [
      ['Sym8', 'x-opt-partition-key'],
      ['Str8', 'device-0'],
      ['Sym8', 'custom'],
      ['SmallUint', 5],
      ['Sym8', 'x-opt-sequence-number'],
      ['Long', 7],
      ['Sym8', 'x-opt-offset'],
      ['Str8', '3185'],
      ['Sym8', 'x-opt-enqueued-time'],
      ['Timestamp', new Date(marks.enqueuedMs)],
    ]);
  });

  it('keeps every other section byte for byte, so types that decoding would lose survive', () => {
    const sent = message.encode({
      durable: true,
      message_id: types.wrap_uuid(Buffer.alloc(16, 7)),
      application_properties: {
        wholeDouble: types.wrap_double(3),
        symbol: types.wrap_symbol('s'),
        byte: types.wrap_byte(-1),
        nothing: null,
      },
      footer: { f: types.wrap_long(1) },
      body: message.sequence_section([types.wrap_float(1.5), types.wrap_timestamp(5)]),
    });
    const isUntouched = (section: { code: number }) => section.code !== 0x72;
    assert.deepEqual(typedSections(store(sent)).filter(isUntouched), typedSections(sent).filter(isUntouched));
  });

  it('gains annotations when it had none, and takes the key of its batch when it has none', () => {
    const decoded = message.decode(store(message.encode({ body: 'x' }), { partitionKey: 'K'.repeat(300) }));
    assert.equal(decoded.message_annotations['x-opt-partition-key'], 'K'.repeat(300));
    assert.equal(decoded.message_annotations['x-opt-offset'], '3185');
    const own = message.encode({ body: 'x', message_annotations: { 'x-opt-partition-key': 'own' } });
    assert.equal(
      message.decode(store(own, { partitionKey: 'batch' })).message_annotations['x-opt-partition-key'],
      'own',
    );
  });

  it('does not pass on producer annotations, stale broker annotations or delivery annotations', () => {
    const sent = message.encode({
      body: 'x',
      delivery_annotations: { hop: 1 },
      message_annotations: {
        'com.microsoft:producer-id': types.wrap_long(2 ** 40),
        'com.microsoft:producer-epoch': types.wrap_short(3),
        'com.microsoft:producer-sequence-number': types.wrap_int(-1),
        'x-opt-sequence-number': 1,
        'x-opt-offset': '1',
        'x-opt-enqueued-time': 1,
        kept: 'yes',
      },
    });
    assert.deepEqual(readEvent(sent).producer, { id: 2 ** 40, epoch: 3, sequence: -1 });
    const decoded = message.decode(store(sent));
    assert.deepEqual(Object.keys(decoded.message_annotations), [
      'kept',
      'x-opt-sequence-number',
      'x-opt-offset',
      'x-opt-enqueued-time',
    ]);
    assert.equal(decoded.message_annotations['x-opt-sequence-number'], 7);
    assert.equal(decoded.delivery_annotations, undefined);
  });

  it('takes sequence numbers and offsets beyond 32 bits', () => {
    const decoded = message.decode(
      store(message.encode({ body: 'x' }), { sequenceNumber: 2 ** 40 + 1, offset: 2 ** 50 }),
    );
    assert.equal(decoded.message_annotations['x-opt-sequence-number'], 2 ** 40 + 1);
    assert.equal(decoded.message_annotations['x-opt-offset'], String(2 ** 50));
  });

  it('gets the state of its partition as delivery annotations, with and without a header', () => {
    const metrics = { lastSequenceNumber: 9, lastOffset: 4000, lastEnqueuedMs: 1000, retrievedMs: 2000 };
    const whole = store(message.encode({ durable: true, body: 'x' }));
    const withoutHeader = whole.subarray(whole.indexOf(Buffer.from([0, 0x53, 0x72])));
    for (const event of [whole, withoutHeader]) {
      const decoded = message.decode(withRuntimeMetrics(event, metrics));
      assert.deepEqual(decoded.delivery_annotations, {
        last_enqueued_sequence_number: 9,
        last_enqueued_offset: '4000',
        last_enqueued_time_utc: new Date(1000),
        runtime_info_retrieval_time_utc: new Date(2000),
      });
      assert.equal(decoded.message_annotations['x-opt-offset'], '3185');
      assert.equal(decoded.body, 'x');
    }
  });
});

describe('a batch', () => {
  it('opens into its events, small and large, with the key of the envelope', () => {
    const events = ['a', 'b'.repeat(400)].map((body) => message.encode({ body }));
    const batch = readBatch(
      message.encode({
        message_annotations: { 'x-opt-partition-key': 'k' },
        body: message.data_sections(events),
      }),
    );
    assert.equal(batch.partitionKey, 'k');
    assert.deepEqual(
      batch.events.map((event) => event.bytes),
      events,
    );
  });

  it('is refused when its bytes are cut off anywhere or are no AMQP', () => {
    const event = message.encode({ body: 'x'.repeat(300), application_properties: { a: 1 } });
    const whole = message.encode({ body: message.data_sections([event]) });
    let cutAtSection = 0;
    for (let length = 1; length < whole.length; length++) {
      try {
        assert.deepEqual(readBatch(whole.subarray(0, length)).events, []);
        cutAtSection++;
      } catch (error) {
        assert.ok(error instanceof MalformedMessageError, String(error));
      }
    }
    assert.equal(cutAtSection, 2, 'only behind the header and behind the properties a cut is no damage');
    assert.throws(() => readBatch(Buffer.from('{"not":"amqp"}')), MalformedMessageError);
    assert.throws(() => readEvent(Buffer.concat([event, Buffer.from([1, 2, 3])])), MalformedMessageError);
  });
});
