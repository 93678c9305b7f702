import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HubEvent, manyEventsValue, oneEventValue } from '../../../local/host/eventHubMetadata.js';
import { TributaryError } from '../../../shared/base/index.js';

const facts = {
  fullyQualifiedNamespace: 'localhost',
  eventHubName: 'hub',
  consumerGroup: '$Default',
  partitionId: '3',
  isCheckpointingAfterInvocation: true,
};

function event(sequenceNumber: number, body: string | Uint8Array, more: Partial<HubEvent> = {}): HubEvent {
  return {
    body: typeof body === 'string' ? Buffer.from(body) : body,
    sequenceNumber,
    offset: String(sequenceNumber * 100),
    enqueuedTimeUtc: new Date(1_700_000_000_000 + sequenceNumber),
    properties: {},
    annotations: {},
    messageProperties: {},
    ...more,
  };
}

describe('the input of an Event Hub trigger', () => {
  it('many, binary: the bodies byte for byte', () => {
    const bodies = [new Uint8Array([0, 255, 123]), new Uint8Array(0), Buffer.from('{"a":1}')];
    const { input } = manyEventsValue(
      bodies.map((body, index) => event(index, body)),
      'binary',
      facts,
    );
    assert.deepEqual(input.collectionBytes?.bytes, bodies);
  });

  it('many, string: texts', () => {
    const { input } = manyEventsValue([event(0, '{"a":1}'), event(1, 'text')], 'string', facts);
    assert.deepEqual(input, { collectionString: { string: ['{"a":1}', 'text'] } });
  });

  it('many, without a dataType: one JSON array of the bodies as they are', () => {
    const { input } = manyEventsValue([event(0, '{"a":1.0}'), event(1, '[9007199254740993]')], 'none', facts);
    assert.deepEqual(input, { json: '[{"a":1.0},[9007199254740993]]' });
  });

  it('many, without a dataType: one body that is not JSON fails the whole batch and is named', () => {
    assert.throws(
      () => manyEventsValue([event(0, '{}'), event(1, 'oops'), event(2, '{}')], 'none', facts),
      (error) => error instanceof TributaryError && /Event 1 is not JSON/.test(error.message),
    );
  });

  it('one, string: the text, and the properties of a JSON body among the metadata', () => {
    const { input, metadata } = oneEventValue(event(5, '{"deviceId":"d1"}'), 'none', facts);
    assert.deepEqual(input, { string: '{"deviceId":"d1"}' });
    assert.deepEqual(metadata.deviceId, { string: 'd1' });
  });

  it('one, binary: the bytes, and no properties of the body', () => {
    const { input, metadata } = oneEventValue(event(5, '{"deviceId":"d1"}'), 'binary', facts);
    assert.deepEqual(input.bytes, Buffer.from('{"deviceId":"d1"}'));
    assert.equal(metadata.deviceId, undefined);
  });
});

describe('the metadata of an Event Hub trigger', () => {
  const annotated = event(1, 'b', {
    partitionKey: 'key',
    properties: { Kind: 'x', header: Buffer.from('raw') },
    annotations: {
      'x-opt-enqueued-time': new Date(0),
      'iothub-connection-device-id': 'd1',
      'x-opt-kafka-key': Buffer.from('k'),
    },
    messageProperties: { 'content-type': 'application/json' },
  });

  it("of many events is the real host's list of arrays", () => {
    const { metadata } = manyEventsValue([event(0, 'a'), annotated], 'binary', facts);
    assert.deepEqual(Object.keys(metadata), [
      'PartitionContext',
      'CheckpointContext',
      'PartitionKeyArray',
      'OffsetArray',
      'SequenceNumberArray',
      'EnqueuedTimeUtcArray',
      'PropertiesArray',
      'SystemPropertiesArray',
    ]);
    assert.deepEqual(JSON.parse(metadata.PartitionContext?.json ?? ''), {
      FullyQualifiedNamespace: 'localhost',
      EventHubName: 'hub',
      ConsumerGroup: '$Default',
      PartitionId: '3',
      IsCheckpointingAfterInvocation: true,
    });
    assert.deepEqual(metadata.OffsetArray, { collectionString: { string: ['0', '100'] } });
    assert.deepEqual(metadata.SequenceNumberArray, { collectionSint64: { sint64: [0, 1] } });
    assert.deepEqual(metadata.EnqueuedTimeUtcArray, {
      json: '["2023-11-14T22:13:20.000Z","2023-11-14T22:13:20.001Z"]',
    });
    assert.deepEqual(metadata.PropertiesArray, { json: '[{},{"Kind":"x","header":"cmF3"}]' });
  });

  it('drops events without a key from PartitionKeyArray, and only from there', () => {
    const { metadata } = manyEventsValue([event(0, 'a'), annotated], 'binary', facts);
    assert.deepEqual(metadata.PartitionKeyArray, { collectionString: { string: ['key'] } });
    const systemProperties = JSON.parse(metadata.SystemPropertiesArray?.json ?? '');
    assert.equal(systemProperties[0].PartitionKey, null);
    assert.deepEqual(systemProperties[1], {
      'x-opt-enqueued-time': '1970-01-01T00:00:00.000Z',
      'iothub-connection-device-id': 'd1',
      'x-opt-kafka-key': 'aw==',
      'content-type': 'application/json',
      SequenceNumber: 1,
      Offset: '100',
      PartitionKey: 'key',
      EnqueuedTimeUtc: '2023-11-14T22:13:20.001Z',
    });
  });

  it('of one event has the same names without "Array"', () => {
    const { metadata } = oneEventValue(annotated, 'binary', facts);
    assert.deepEqual(metadata.PartitionKey, { string: 'key' });
    assert.deepEqual(metadata.Offset, { string: '100' });
    assert.deepEqual(metadata.SequenceNumber, { json: '1' });
    assert.deepEqual(metadata.EnqueuedTimeUtc, { json: '"2023-11-14T22:13:20.001Z"' });
    assert.equal(oneEventValue(event(0, 'a'), 'binary', facts).metadata.PartitionKey, undefined);
  });
});
