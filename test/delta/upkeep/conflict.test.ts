// The conflict matrix: what each kind of commit means for each kind of transaction that lost the race to it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CommitActions } from '../../../shared/delta/actions.js';
import {
  checkAppendConflict,
  checkConflict,
  type TransactionFacts,
  transactionFacts,
} from '../../../shared/delta/conflict.js';

const add = (path: string) => ({ path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true });
const vector = {
  storageType: 'u',
  pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^',
  sizeInBytes: 36,
  cardinality: 2,
};
const nothing: CommitActions = {
  protocol: undefined,
  metadata: undefined,
  adds: [],
  removes: [],
  transactions: [],
  commitInfo: { txnId: 'other' },
};
const metadata = {
  id: 'x',
  format: { provider: 'parquet', options: {} },
  schemaString: '{"type":"struct","fields":[]}',
  partitionColumns: [],
  configuration: {},
};

const winners = {
  'blind append': { ...nothing, adds: [add('new')], commitInfo: { isBlindAppend: true } },
  'append that read the table': { ...nothing, adds: [add('new')] },
  'append with a transaction': {
    ...nothing,
    adds: [add('new')],
    transactions: [{ appId: 'ingest/0', version: 5 }],
    commitInfo: { isBlindAppend: true },
  },
  'optimize of other files': {
    ...nothing,
    adds: [add('packed')],
    removes: [{ path: 'other', dataChange: false }],
  },
  'optimize of the same file': {
    ...nothing,
    adds: [add('packed')],
    removes: [{ path: 'a%20b', dataChange: false }],
  },
  'delete of the same file': { ...nothing, removes: [{ path: 'a%20b', dataChange: true }] },
  // The file stays, under the same path, with other rows deleted.
  'deletion vector for the same file': {
    ...nothing,
    adds: [{ ...add('a%20b'), deletionVector: vector }],
    removes: [{ path: 'a%20b', dataChange: true }],
  },
  'metadata change': { ...nothing, metadata },
  'protocol change': { ...nothing, protocol: { minReaderVersion: 1, minWriterVersion: 3 } },
  'vacuum entry': nothing,
} as const satisfies Record<string, CommitActions>;

type Winner = keyof typeof winners;

const inputs = new Set(['a%20b', 'c']);
const losers = {
  optimize: transactionFacts({ files: inputs, removes: inputs }),
  delete: transactionFacts({
    files: inputs,
    removes: new Set(['c']),
    looksFor: ({ path }) => path !== 'packed',
  }),
  'delete, WriteSerializable': transactionFacts({
    files: inputs,
    removes: new Set(['c']),
    looksFor: () => true,
    isolation: 'WriteSerializable',
  }),
  'metadata change': transactionFacts({
    looksFor: () => true,
    changesTable: true,
    isolation: 'WriteSerializable',
  }),
  vacuum: transactionFacts(),
  'transaction of an application': transactionFacts({ appIds: new Set(['ingest/0']) }),
} as const satisfies Record<string, TransactionFacts>;

/** Kinds of conflict; what is not listed goes through. */
const conflicts: Readonly<Record<keyof typeof losers, Partial<Record<Winner, string>>>> = {
  optimize: {
    'optimize of the same file': 'readFileRemoved',
    'delete of the same file': 'readFileRemoved',
    'deletion vector for the same file': 'readFileRemoved',
  },
  delete: {
    'blind append': 'rowsAdded',
    'append that read the table': 'rowsAdded',
    'append with a transaction': 'rowsAdded',
    'optimize of the same file': 'readFileRemoved',
    'delete of the same file': 'readFileRemoved',
    'deletion vector for the same file': 'rowsAdded',
  },
  'delete, WriteSerializable': {
    'append that read the table': 'rowsAdded',
    'optimize of other files': 'rowsAdded',
    'optimize of the same file': 'rowsAdded',
    'delete of the same file': 'readFileRemoved',
    'deletion vector for the same file': 'rowsAdded',
  },
  'metadata change': {
    'blind append': 'rowsAdded',
    'append that read the table': 'rowsAdded',
    'append with a transaction': 'rowsAdded',
    'optimize of other files': 'rowsAdded',
    'optimize of the same file': 'rowsAdded',
    'deletion vector for the same file': 'rowsAdded',
  },
  vacuum: {},
  'transaction of an application': { 'append with a transaction': 'transaction' },
};

describe('the conflict matrix', () => {
  for (const [loser, facts] of Object.entries(losers)) {
    for (const [name, winner] of Object.entries(winners)) {
      const changed = { 'metadata change': 'metadataChanged', 'protocol change': 'protocolChanged' }[name];
      const expected = changed ?? conflicts[loser as keyof typeof losers][name as Winner] ?? 'none';
      it(`${loser} against ${name}: ${expected}`, () => {
        assert.equal(checkConflict(facts, winner).kind, expected);
      });
    }
  }

  it('names the files, the rows and the applications', () => {
    const { optimize, delete: deletion } = losers;
    assert.deepEqual(checkConflict(optimize, winners['delete of the same file']), {
      kind: 'readFileRemoved',
      paths: ['a%20b'],
    });
    assert.deepEqual(checkConflict(deletion, winners['blind append']), { kind: 'rowsAdded', paths: ['new'] });
    assert.deepEqual(
      checkConflict(losers['transaction of an application'], winners['append with a transaction']),
      { kind: 'transaction', appIds: ['ingest/0'] },
    );
  });

  it('knows a file by any spelling of its path', () => {
    const winner = { ...nothing, removes: [{ path: 'a b', dataChange: true }] };
    assert.equal(checkConflict(losers.optimize, winner).kind, 'readFileRemoved');
  });

  it('finds a file removed twice even where nothing was read', () => {
    const facts = transactionFacts({ removes: inputs });
    assert.deepEqual(checkConflict(facts, winners['delete of the same file']), {
      kind: 'removedTwice',
      paths: ['a%20b'],
    });
  });

  it('lets an append past everything but changes of the table and of its transactions', () => {
    const appIds = new Set(['ingest/0']);
    const kinds = Object.fromEntries(
      Object.entries(winners).map(([name, winner]) => [name, checkAppendConflict(appIds, winner).kind]),
    );
    assert.deepEqual(kinds, {
      'blind append': 'none',
      'append that read the table': 'none',
      'append with a transaction': 'transaction',
      'optimize of other files': 'none',
      'optimize of the same file': 'none',
      'delete of the same file': 'none',
      'deletion vector for the same file': 'none',
      'metadata change': 'tableChanged',
      'protocol change': 'tableChanged',
      'vacuum entry': 'none',
    });
  });
});
