// CSV: quoting, headers, damage, and chunks that end anywhere.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { seededRandom } from '../../../shared/base/index.js';
import { ofSeeds } from '../../support/seeds.js';
import { landed, landedInTwo, onlyBad, readAll, readShort } from './landed.js';

describe('CSV', () => {
  it('is read into strings, null for empty fields without quotes', async () => {
    const text = '\ufeffid,name,note\r\n1,"x, ""y""",\r\n2,"two\r\nlines",""\r\n\r\n3,Zoë,"a\nb"';
    assert.deepEqual(await readShort(landed('a.csv', text)), [
      { id: '1', name: 'x, "y"', note: null },
      { id: '2', name: 'two\r\nlines', note: '' },
      { id: '3', name: 'Zoë', note: 'a\nb' },
    ]);
  });

  it('gives columns without a name, or of the same name, a name of their own', async () => {
    const [record] = await readAll(landed('a.csv', 'a, a ,,A,__proto__\n1,2,3,4,5\n'));
    assert.deepEqual(
      record?.kind === 'record' && Object.entries(record.value),
      Object.entries({ a: '1', a_2: '2', _c2: '3', A_3: '4', ['__proto__']: '5' }),
    );
  });

  it('without a header has columns _c0, _c1, ...', async () => {
    const csv = { header: false, delimiter: ';', quote: "'" };
    assert.deepEqual(await readShort(landed('a.csv', "1;'x;y'\n2\n"), { csv }), [
      { _c0: '1', _c1: 'x;y' },
      { _c0: '2' },
    ]);
  });

  it('of .tsv is cut at tabs', async () => {
    assert.deepEqual(await readShort(landed('a.tsv.gz', 'a\tb\n1,5\t2\n')), [{ a: '1,5', b: '2' }]);
  });

  it('costs a stray quote one line, also when it opens a field to the end of the file', async () => {
    assert.deepEqual(
      await readShort(landed('a.csv', 'a,b\n1,"x"y\n2,5" pipe\n3,ok\n4,6" pipe\n5,"q"\n6,"open\n7,z\n')),
      [
        'invalid_csv: 1,"x"y',
        'invalid_csv: 2,5" pipe',
        { a: '3', b: 'ok' },
        'invalid_csv: 4,6" pipe',
        { a: '5', b: 'q' },
        'invalid_csv: 6,"open',
        { a: '7', b: 'z' },
      ],
    );
  });

  it('takes short records as they are, and refuses those with more fields than columns', async () => {
    assert.deepEqual(await readShort(landed('a.csv', 'a,b\n1\n1,2,\n1,2,3\n"1",2,"3"\n')), [
      { a: '1' },
      { a: '1', b: '2' },
      'invalid_csv: 1,2,3',
      'invalid_csv: "1",2,"3"',
    ]);
  });

  it('keeps NUL bytes, and refuses records that are not UTF-8', async () => {
    const text = Buffer.from('a,b\n1,\0\n2,\xff\n"3","\xfe"\n4,x\n', 'latin1');
    assert.deepEqual(await readShort(landed('a.csv', text)), [
      { a: '1', b: '\0' },
      'invalid_utf8: 2,\xff',
      'invalid_utf8: "3","\xfe"',
      { a: '4', b: 'x' },
    ]);
  });

  it('never takes a record for the header when the header cannot be read', async () => {
    assert.deepEqual(await readShort(landed('a.csv', Buffer.from('a,\xff\n1,2\n', 'latin1'))), [
      'invalid_utf8: a,\xff',
      'invalid_csv: 1,2',
    ]);
    assert.match((await onlyBad(landed('a.csv', 'a,b\r1,2\r'))).detail, /CR only/);
  });

  it('has records of bounded size, with quotes or without', async () => {
    const text = `a\n${'x'.repeat(300)}\n1\n"${'y\n'.repeat(300)}2\n"3"\n`;
    for (const chunkBytes of [11, 100_000]) {
      const records = await readShort(landed('a.csv', text, chunkBytes), {
        maxRecordBytes: 200,
        maxBadBytes: 4,
      });
      assert.deepEqual(records.slice(0, 3), ['record_too_large: xxxx', { a: '1' }, 'invalid_csv: "y']);
      assert.equal(records.filter((record) => (record as { a?: string }).a === 'y').length, 299);
      assert.deepEqual(records.slice(-2), [{ a: '2' }, { a: '3' }]);
    }
  });

  it('with a header only has no records', async () => {
    assert.deepEqual(await readAll(landed('a.csv', 'a,b\n')), []);
  });
});

describe('random CSV', () => {
  it('reads as it was written, at whatever bytes the chunks end', async () => {
    const random = seededRandom(7);
    const parts = ['a', ',', '"', '\n', '\r\n', 'é', '1.5', ' '];
    const pick = (count: number) => Math.floor(random.next() * count);
    for (let round = 0; round < ofSeeds(150); round++) {
      const rows = Array.from({ length: 6 }, () =>
        Array.from({ length: 3 }, () =>
          Array.from({ length: pick(4) }, () => parts[pick(parts.length)]).join(''),
        ),
      );
      const written = rows.map((row) =>
        row.map((field) =>
          /[",\n\r]/.test(field) || pick(3) === 0 ? `"${field.replaceAll('"', '""')}"` : field,
        ),
      );
      const lines = written.map((row) => row.join(','));
      const text = `x,y,z\n${lines.join(round % 2 === 0 ? '\n' : '\r\n')}\n`;
      const expected = rows.map(([x, y, z], index) => {
        const [wx, wy, wz] = written[index]!;
        return { x: wx === '' ? null : x, y: wy === '' ? null : y, z: wz === '' ? null : z };
      });
      assert.deepEqual(await readShort(landed('a.csv', text, 1 + pick(30))), expected, text);
    }
  });

  it('gives the same records, good and bad, wherever a file is cut in two', async () => {
    const bytes = Buffer.from('a,b\r\n1,"é\r\n2"\n3,x"\n\n4,"y"\r\n5,6,7\n8,"open\n9,z');
    const whole = await readAll(landed('a.csv', bytes));
    for (let cut = 0; cut <= bytes.length; cut++) {
      assert.deepEqual(await readAll(landedInTwo('a.csv', bytes, cut)), whole, `at ${cut}`);
    }
  });
});
