import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertReadable, assertWritable, withFeatures } from '../../shared/delta/protocol.js';
import type { Metadata, Protocol } from '../../shared/delta/types.js';

interface Table {
  readonly reader?: number;
  readonly writer?: number;
  readonly readerFeatures?: readonly string[];
  readonly writerFeatures?: readonly string[];
  readonly configuration?: Readonly<Record<string, string>>;
  readonly fieldMetadata?: Readonly<Record<string, unknown>>;
}

function check(table: Table, assertion: typeof assertReadable): void {
  const {
    reader = 1,
    writer = 2,
    readerFeatures,
    writerFeatures,
    configuration = {},
    fieldMetadata = {},
  } = table;
  const protocol: Protocol = {
    minReaderVersion: reader,
    minWriterVersion: writer,
    ...(readerFeatures === undefined ? {} : { readerFeatures }),
    ...(writerFeatures === undefined ? {} : { writerFeatures }),
  };
  // Nested, since a rule on a nested column binds the writer just as well.
  const nested = {
    type: 'struct',
    fields: [{ name: 'x', type: 'long', nullable: true, metadata: fieldMetadata }],
  };
  const schema = {
    type: 'struct',
    fields: [{ name: 's', type: { type: 'array', elementType: nested }, metadata: {} }],
  };
  const metadata: Metadata = {
    id: 'id',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify(schema),
    partitionColumns: [],
    configuration,
  };
  assertion('tables/t', protocol, metadata);
}

/** Naming what is not supported. */
const refusedToWrite: readonly [Table, RegExp][] = [
  [{ reader: 99, writer: 7 }, /reader version 99/],
  [{ reader: 0, writer: 2 }, /reader version 0/],
  [{ reader: 1, writer: 8 }, /writer version 8/],
  [{ reader: 5, writer: 7, writerFeatures: [] }, /reader version 5/],
  [{ reader: 3, writer: 7, writerFeatures: [] }, /reader version 3 without a list/],
  [{ reader: 1, writer: 7 }, /writer version 7 without a list/],
  [
    { reader: 3, writer: 7, readerFeatures: ['variantType-preview'], writerFeatures: [] },
    /variantType-preview/,
  ],
  [{ writer: 7, writerFeatures: ['rowTracking'] }, /writer feature rowTracking/],
  [
    { writer: 7, writerFeatures: ['inCommitTimestamp', 'domainMetadata'] },
    /inCommitTimestamp.*domainMetadata/,
  ],
  [{ writer: 3, configuration: { 'delta.constraints.positive': 'x > 0' } }, /checkConstraints/],
  [{ writer: 4, fieldMetadata: { 'delta.generationExpression': 'x' } }, /generatedColumns/],
  [{ reader: 2, writer: 5, configuration: { 'delta.columnMapping.mode': 'name' } }, /columnMapping/],
  [{ writer: 6, fieldMetadata: { 'delta.identity.start': 1 } }, /identityColumns/],
  [{ writer: 2, fieldMetadata: { 'delta.invariants': '{}' } }, /invariants/],
  [
    { writer: 7, writerFeatures: ['allowColumnDefaults'], fieldMetadata: { CURRENT_DEFAULT: '1' } },
    /allowColumnDefaults/,
  ],
  [
    { writer: 7, writerFeatures: ['checkConstraints'], configuration: { 'delta.constraints.a': 'b' } },
    /checkConstraints/,
  ],
];

/** Features that lie idle, or that an append has nothing to do for. */
const writable: readonly Table[] = [
  { reader: 3, writer: 7, readerFeatures: ['v2Checkpoint'], writerFeatures: ['v2Checkpoint'] },
  {},
  { writer: 1 },
  { configuration: { 'delta.appendOnly': 'true' } },
  { writer: 3 },
  { writer: 4, configuration: { 'delta.enableChangeDataFeed': 'true' } },
  { reader: 2, writer: 5 },
  { reader: 2, writer: 6, configuration: { 'delta.columnMapping.mode': 'none' } },
  {
    writer: 7,
    writerFeatures: ['appendOnly', 'invariants', 'checkConstraints', 'changeDataFeed', 'generatedColumns'],
  },
  { reader: 3, writer: 7, readerFeatures: ['timestampNtz'], writerFeatures: ['timestampNtz'] },
  { reader: 3, writer: 7, readerFeatures: ['deletionVectors'], writerFeatures: ['deletionVectors'] },
  {
    reader: 3,
    writer: 7,
    readerFeatures: ['timestampWithoutTimezone'],
    writerFeatures: ['timestampWithoutTimezone'],
  },
  {
    reader: 3,
    writer: 7,
    readerFeatures: ['columnMapping'],
    writerFeatures: ['columnMapping', 'identityColumns'],
  },
  ...['typeWidening', 'typeWidening-preview'].map((name) => ({
    reader: 3,
    writer: 7,
    readerFeatures: [name],
    writerFeatures: [name],
  })),
  { fieldMetadata: { comment: 'delta.invariants' } },
];

describe('writing', () => {
  for (const [table, message] of refusedToWrite) {
    it(`refuses ${JSON.stringify(table)}`, () => {
      assert.throws(() => check(table, assertWritable), { code: 'DELTA_PROTOCOL_UNSUPPORTED', message });
      assert.throws(() => check(table, assertWritable), { message: /tables\/t/, retry: 'operator' });
    });
  }
  for (const table of writable) {
    it(`accepts ${JSON.stringify(table)}`, () => check(table, assertWritable));
  }
});

describe('reading', () => {
  const refused: readonly [Table, RegExp][] = [
    [{ reader: 99, writer: 7 }, /cannot be read here: it needs reader version 99/],
    [
      { reader: 3, writer: 7, readerFeatures: ['variantType', 'timestampNtz', 'new'] },
      /reader feature variantType, the reader feature new\./,
    ],
    [{ reader: 3, writer: 7, readerFeatures: ['appendOnly'] }, /appendOnly/],
  ];
  for (const [table, message] of refused) {
    it(`refuses ${JSON.stringify(table)}`, () => {
      assert.throws(() => check(table, assertReadable), { code: 'DELTA_PROTOCOL_UNSUPPORTED', message });
    });
  }

  const readable: readonly Table[] = [
    ...writable,
    { writer: 7, writerFeatures: ['rowTracking', 'somethingNew'] },
    { writer: 99 },
    { reader: 2, writer: 5, configuration: { 'delta.columnMapping.mode': 'id' } },
    ...['columnMapping'].map((name) => ({
      reader: 3,
      writer: 7,
      readerFeatures: [name],
      writerFeatures: [name],
    })),
    { writer: 3, configuration: { 'delta.constraints.positive': 'x > 0' } },
  ];
  for (const table of readable) {
    it(`accepts ${JSON.stringify(table)}`, () => check(table, assertReadable));
  }
});

describe('a protocol that gets a feature', () => {
  it('lists what its numbers implied', () => {
    assert.deepEqual(withFeatures({ minReaderVersion: 1, minWriterVersion: 4 }, ['typeWidening']), {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['typeWidening'],
      writerFeatures: [
        'typeWidening',
        'appendOnly',
        'invariants',
        'checkConstraints',
        'changeDataFeed',
        'generatedColumns',
      ],
    });
    const mapped = withFeatures({ minReaderVersion: 2, minWriterVersion: 5 }, ['typeWidening']);
    assert.deepEqual(mapped.readerFeatures, ['typeWidening', 'columnMapping']);
  });

  it('keeps the features that it lists, also unknown ones', () => {
    const protocol: Protocol = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['timestampNtz'],
      writerFeatures: ['timestampNtz', 'somethingNew'],
    };
    assert.deepEqual(withFeatures(protocol, ['typeWidening']), {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['timestampNtz', 'typeWidening'],
      writerFeatures: ['typeWidening', 'timestampNtz', 'somethingNew'],
    });
  });

  it('stays as it is when it has the feature, by whatever name', () => {
    const protocol: Protocol = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['typeWidening-preview'],
      writerFeatures: ['typeWidening-preview'],
    };
    assert.equal(withFeatures(protocol, ['typeWidening']), protocol);
  });
});
