// What every ledger must do (the contract written in shared/storage/ledger.ts), as a suite.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TributaryError } from '../../shared/base/index.js';
import {
  type Ledger,
  type LedgerRow,
  type LedgerValues,
  maxLedgerChanges,
} from '../../shared/storage/index.js';

export interface LedgerContractOptions {
  readonly name: string;
  /** An empty ledger, another one at each call. */
  readonly createLedger: () => Promise<Ledger> | Ledger;
  /** Rows in the listing that must follow pages. */
  readonly manyRows: number;
}

const values = (text: string): LedgerValues => ({
  text,
  size: 5,
  big: 1_763_000_000_123,
  part: 0.5,
  flag: true,
});

async function rowsOf(listing: AsyncIterable<LedgerRow>): Promise<string[]> {
  const rows: string[] = [];
  for await (const { row } of listing) rows.push(row);
  return rows;
}

async function insert(ledger: Ledger, partition: string, rows: readonly string[]): Promise<void> {
  for (let start = 0; start < rows.length; start += maxLedgerChanges) {
    const part = rows.slice(start, start + maxLedgerChanges);
    const result = await ledger.change(
      partition,
      part.map((row) => ({ kind: 'insert', row, values: values(row) })),
    );
    assert.deepEqual(result, { kind: 'changed' });
  }
}

export function describeLedgerContract({ name, createLedger, manyRows }: LedgerContractOptions): void {
  describe(`ledger contract: ${name}`, () => {
    it('gives back what was put, with numbers of any size, and nothing for a row that is not there', async () => {
      const ledger = await createLedger();
      const stored = {
        ...values('\u{1f600} "quoted" \u65e5\u672c'),
        empty: '',
        negative: -1.5e-7,
        none: false,
      };
      await ledger.change('p', [{ kind: 'put', row: 'r', values: stored }]);
      const row = await ledger.get({ partition: 'p', row: 'r' });
      assert.deepEqual(row?.values, stored);
      assert.deepEqual([row.partition, row.row], ['p', 'r']);
      assert.equal(await ledger.get({ partition: 'p', row: 'other' }), undefined);
      assert.equal(await ledger.get({ partition: 'other', row: 'r' }), undefined);
    });

    it('takes keys with quotes, spaces, percent signs, letters of all scripts, and of 512 characters', async () => {
      const ledger = await createLedger();
      const keys = [
        "it's",
        'a b',
        '100%',
        'a%20b',
        'M\u00fcnchen',
        '\u65e5\u672c',
        '\u{1f600}',
        'a+b&c=d',
        'k'.repeat(512),
      ];
      for (const key of keys) {
        await ledger.change(key, [{ kind: 'insert', row: key, values: { key } }]);
        assert.deepEqual((await ledger.get({ partition: key, row: key }))?.values, { key });
        assert.deepEqual(await rowsOf(ledger.list({ partition: key })), [key]);
      }
    });

    it('refuses keys that Azure Tables refuses', async () => {
      const ledger = await createLedger();
      for (const key of ['', 'a/b', 'a\\b', 'a#b', 'a?b', 'a\u0000', 'a\u0085', '\ud83d', 'k'.repeat(513)]) {
        const refused = (error: unknown) =>
          error instanceof TributaryError && error.code === 'STORAGE_INVALID_PATH';
        await assert.rejects(ledger.get({ partition: 'p', row: key }), refused);
        await assert.rejects(ledger.get({ partition: key, row: 'r' }), refused);
        await assert.rejects(rowsOf(ledger.list({ partition: key })), refused);
        await assert.rejects(ledger.change(key, [{ kind: 'put', row: 'r', values: {} }]), refused);
        await assert.rejects(ledger.change('p', [{ kind: 'put', row: key, values: {} }]), refused);
      }
    });

    it('inserts only where there is no row, and names the row that was there', async () => {
      const ledger = await createLedger();
      await insert(ledger, 'p', ['b']);
      const result = await ledger.change('p', [
        { kind: 'insert', row: 'a', values: values('a') },
        { kind: 'insert', row: 'b', values: values('again') },
        { kind: 'insert', row: 'c', values: values('c') },
      ]);
      assert.deepEqual(result, { kind: 'conflict', row: 'b' });
      assert.deepEqual(await rowsOf(ledger.list({ partition: 'p' })), ['b'], 'none of the others is there');
      assert.equal((await ledger.get({ partition: 'p', row: 'b' }))?.values.text, 'b');
    });

    it('replaces only the version that was read, and forgets the values that are left out', async () => {
      const ledger = await createLedger();
      await insert(ledger, 'p', ['r']);
      const { version } = (await ledger.get({ partition: 'p', row: 'r' }))!;
      const replace = (text: string) =>
        ledger.change('p', [{ kind: 'replace', row: 'r', values: { text }, version }]);
      assert.deepEqual(await replace('first'), { kind: 'changed' });
      assert.deepEqual(await replace('second'), { kind: 'conflict', row: 'r' });
      const row = await ledger.get({ partition: 'p', row: 'r' });
      assert.deepEqual(row?.values, { text: 'first' });
      assert.notEqual(row.version, version);
      await ledger.change('p', [{ kind: 'remove', row: 'r' }]);
      assert.deepEqual(await replace('third'), { kind: 'conflict', row: 'r' });
    });

    it('gives a row another version at each write, also when the values are the same', async () => {
      const ledger = await createLedger();
      const versions = new Set<string>();
      for (let write = 0; write < 5; write++) {
        await ledger.change('p', [{ kind: 'put', row: 'r', values: values('same') }]);
        versions.add((await ledger.get({ partition: 'p', row: 'r' }))!.version);
      }
      assert.equal(versions.size, 5);
    });

    it('removes rows, and says when one was not there', async () => {
      const ledger = await createLedger();
      await insert(ledger, 'p', ['a', 'b']);
      assert.deepEqual(await ledger.change('p', [{ kind: 'remove', row: 'a' }]), { kind: 'changed' });
      const result = await ledger.change('p', [
        { kind: 'remove', row: 'b' },
        { kind: 'remove', row: 'gone' },
      ]);
      assert.deepEqual(result, { kind: 'conflict', row: 'gone' });
      assert.deepEqual(await rowsOf(ledger.list({ partition: 'p' })), ['b']);
    });

    it('lists one partition in order, from and before given rows, over all pages', async () => {
      const ledger = await createLedger();
      const rows = Array.from({ length: manyRows }, (_, index) => `r${String(index).padStart(6, '0')}`);
      await insert(ledger, 'p', [...rows].reverse());
      await insert(ledger, 'q', ['other']);
      assert.deepEqual(await rowsOf(ledger.list({ partition: 'p' })), rows);
      const range = { partition: 'p', rowFrom: rows[3]!, rowBefore: rows[7]! };
      assert.deepEqual(await rowsOf(ledger.list(range)), rows.slice(3, 7));
      assert.deepEqual(await rowsOf(ledger.list({ partition: 'none' })), []);
    });

    it('lets one of many rivals change a row', async () => {
      const ledger = await createLedger();
      const inserts = await Promise.all(
        Array.from({ length: 8 }, (_, rival) =>
          ledger.change('p', [{ kind: 'insert', row: 'r', values: { rival } }]),
        ),
      );
      assert.equal(inserts.filter(({ kind }) => kind === 'changed').length, 1);
      const { version } = (await ledger.get({ partition: 'p', row: 'r' }))!;
      const replaces = await Promise.all(
        Array.from({ length: 8 }, (_, rival) =>
          ledger.change('p', [{ kind: 'replace', row: 'r', values: { rival }, version }]),
        ),
      );
      assert.equal(replaces.filter(({ kind }) => kind === 'changed').length, 1);
    });

    it('refuses no changes, too many at once, and two of one row', async () => {
      const ledger = await createLedger();
      const put = (row: number) => ({ kind: 'put', row: `r${row}`, values: {} }) as const;
      await assert.rejects(ledger.change('p', []), TypeError);
      await assert.rejects(
        ledger.change(
          'p',
          Array.from({ length: 101 }, (_, row) => put(row)),
        ),
        TypeError,
      );
      await assert.rejects(ledger.change('p', [put(1), put(1)]), TypeError);
    });

    it('refuses values with the names of what rows have anyway', async () => {
      const ledger = await createLedger();
      for (const name of ['etag', 'timestamp', 'partitionKey', 'RowKey'])
        await assert.rejects(
          ledger.change('p', [{ kind: 'put', row: 'r', values: { [name]: 'x' } }]),
          TypeError,
        );
    });
  });
}
