import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventBatchFromTrigger } from '../../shared/ingest/index.js';

const bodies = [Buffer.from('a'), Buffer.from('b')];
const metadata = {
  partitionContext: { partitionId: '2' },
  partitionKeyArray: ['only-one-has-a-key'],
  systemPropertiesArray: [
    { sequenceNumber: 7, enqueuedTimeUtc: '2026-01-01T00:00:00.123Z', partitionKey: null },
    { sequenceNumber: 8, enqueuedTimeUtc: '2026-01-01T00:00:00.124Z', partitionKey: 'k' },
  ],
  propertiesArray: [{ site: 'north' }, null],
};

describe('eventBatchFromTrigger', () => {
  it('pairs bodies with their facts through the system properties', () => {
    assert.deepEqual(eventBatchFromTrigger('hub', bodies, metadata), {
      source: 'hub',
      partition: '2',
      bodies,
      sequenceNumbers: [7, 8],
      enqueuedMs: [1_767_225_600_123, 1_767_225_600_124],
      systemProperties: metadata.systemPropertiesArray,
      properties: [{ site: 'north' }, {}],
    });
  });

  const unusable: readonly [string, object | undefined, RegExp][] = [
    ['no metadata', undefined, /partitionId/],
    ['a shortened array', { ...metadata, systemPropertiesArray: [] }, /systemPropertiesArray must have 2/],
    [
      'a sequence number that is no integer',
      { ...metadata, systemPropertiesArray: [{ sequenceNumber: 'x' }, {}] },
      /systemPropertiesArray\[0\]\.sequenceNumber/,
    ],
    [
      'a time that is none',
      {
        ...metadata,
        systemPropertiesArray: [{ sequenceNumber: 1, enqueuedTimeUtc: 'soon' }, { sequenceNumber: 2 }],
      },
      /enqueuedTimeUtc/,
    ],
  ];
  for (const [name, given, message] of unusable) {
    it(`refuses ${name} and leaves the batch for an operator`, () => {
      assert.throws(
        () => eventBatchFromTrigger('hub', bodies, given as Record<string, unknown> | undefined),
        {
          code: 'EVENT_BATCH_INVALID',
          retry: 'operator',
          message,
        },
      );
    });
  }
});
