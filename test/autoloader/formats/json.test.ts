// JSON and NDJSON: values, damage, numbers, bounds, and chunks that end anywhere.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { ExactNumber, type FileValue, readRecords } from '../../../shared/autoloader/formats/index.js';
import { seededRandom } from '../../../shared/base/index.js';
import { ofSeeds } from '../../support/seeds.js';
import { landed, landedInTwo, readAll, readShort } from './landed.js';

const exact = (text: string) => new ExactNumber(text);

describe('NDJSON', () => {
  it('is read line by line, whatever the line ends, blank lines left out', async () => {
    const text = '{"a":1}\r\n\n  \r\n{"b":[true,null]}\n{"c":"é"}';
    assert.deepEqual(await readShort(landed('a.ndjson', text)), [{ a: 1 }, { b: [true, null] }, { c: 'é' }]);
  });

  it('costs a damaged line and goes on', async () => {
    const text = Buffer.concat([
      Buffer.from('{"a":1}\nnope\n{"a":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}\n{"a":"\0"}\n17\n{"a":2}\n'),
    ]);
    assert.deepEqual(await readShort(landed('a.jsonl', text)), [
      { a: 1 },
      'invalid_json: nope',
      'invalid_utf8: {"a":"\xff\xfe"}',
      'invalid_json: {"a":"\0"}',
      'not_an_object: 17',
      { a: 2 },
    ]);
  });

  it('numbers records and says where bad ones begin', async () => {
    const records = await readAll(landed('a.ndjson', '\ufeff{"a":1}\n{"a":\n{"a":2}\n'));
    assert.deepEqual(
      records.map((record) => [record.row, record.kind === 'bad' && record.offset]),
      [
        [0, false],
        [1, 8],
        [2, false],
      ],
    );
  });

  it('may hold arrays of records in its lines', async () => {
    assert.deepEqual(await readShort(landed('a.ndjson', '[{"a":1},{"a":2}]\n[]\n[3]\n')), [
      { a: 1 },
      { a: 2 },
      'not_an_object: [3]',
    ]);
  });

  it('says that the last line was cut', async () => {
    assert.deepEqual(await readShort(landed('a.ndjson', '{"a":1}\n{"a":2')), [{ a: 1 }, 'truncated: {"a":2']);
  });

  it('passes over lines beyond the bound, with their beginning kept', async () => {
    const text = `{"a":1}\n{"a":"${'x'.repeat(5000)}"}\n{"a":2}\n${'y'.repeat(5000)}`;
    for (const chunkBytes of [7, 1000, 100_000]) {
      assert.deepEqual(
        await readShort(landed('a.ndjson', text, chunkBytes), { maxRecordBytes: 1000, maxBadBytes: 10 }),
        [{ a: 1 }, 'record_too_large: {"a":"xxxx', { a: 2 }, 'record_too_large: yyyyyyyyyy'],
      );
    }
  });
});

describe('JSON', () => {
  it('is one document, pretty-printed', async () => {
    assert.deepEqual(await readShort(landed('a.json', '{\n  "a": {\n "b": "}]" }\n}\n')), [
      { a: { b: '}]' } },
    ]);
  });

  it('is an array of records, or several documents and arrays after each other', async () => {
    const text = ' [ {"a":1} ,\n{"a":"\\"]"}\n]\n{"a":3}{"a":4}[][{"a":5}]';
    assert.deepEqual(await readShort(landed('a.json', text)), [
      { a: 1 },
      { a: '"]' },
      { a: 3 },
      { a: 4 },
      { a: 5 },
    ]);
  });

  it('costs damaged elements and goes on', async () => {
    assert.deepEqual(
      await readShort(landed('a.json', '[{"a":1} {"a":2},7,[{"a":3}],{"a":4],,{"a":5},]{"a":6}')),
      [
        'invalid_json: {"a":1} {"a":2}',
        'not_an_object: 7',
        'not_an_object: [{"a":3}]',
        'invalid_json: {"a":4]',
        'invalid_json: ',
        { a: 5 },
        'invalid_json: ',
        { a: 6 },
      ],
    );
  });

  it('takes stray words between documents for bad records', async () => {
    assert.deepEqual(await readShort(landed('a.json', '{\n"a":1} null x{"a":2}"y"', 3)), [
      { a: 1 },
      'not_an_object: null',
      'invalid_json: x',
      { a: 2 },
      'not_an_object: "y"',
    ]);
  });

  it('says that an array was cut, within an element or between two', async () => {
    assert.deepEqual(await readShort(landed('a.json', '[{"a":1},{"a":')), [
      { a: 1 },
      'truncated: {"a":',
      'rest: truncated',
    ]);
    assert.deepEqual(await readShort(landed('a.json', '[{"a":1},')), [{ a: 1 }, 'rest: truncated']);
  });

  it('has elements of bounded size and depth', async () => {
    const deep = `${'['.repeat(100_000)}`;
    const text = `[{"a":"${'x'.repeat(2000)}"},{"a":${'['.repeat(70)}${']'.repeat(70)}},{"a":2}]${deep}`;
    const records = await readAll(landed('a.json', text, 999), { maxRecordBytes: 1000, maxBadBytes: 5 });
    assert.deepEqual(
      records.map((record) => (record.kind === 'bad' ? record.reason : record.value)),
      ['record_too_large', 'too_deep', { a: 2 }, 'record_too_large', 'truncated'],
    );
  });

  it('without an extension is recognised, and NDJSON within .json, too', async () => {
    assert.deepEqual(await readShort(landed('part-0', '\ufeff [{"a":1}]')), [{ a: 1 }]);
    assert.deepEqual(await readShort(landed('a.json', '{"a":1}\n{"a\n{"a":3}\n')), [
      { a: 1 },
      'invalid_json: {"a',
      { a: 3 },
    ]);
  });
});

describe('numbers', () => {
  it('keep their written text where a double would change them', async () => {
    const numbers = [
      ['9007199254740993', exact('9007199254740993')],
      ['9007199254740992', 2 ** 53],
      ['0.30000000000000004', 0.30000000000000004],
      ['0.1234567890123456789', exact('0.1234567890123456789')],
      ['1e400', exact('1e400')],
      ['-1e-400', exact('-1e-400')],
      ['100000000000000000000', 1e20],
      ['1.000000000000000000000', 1],
      ['21.0', 21],
      ['-0.0', -0],
    ] as const;
    const text = numbers.map(([written]) => `{"n":[${written}],"s":"12345678901234567890123"}\n`).join('');
    assert.deepEqual(
      await readShort(landed('a.ndjson', text)),
      numbers.map(([, value]) => ({ n: [value], s: '12345678901234567890123' })),
    );
  });

  it('keep a written fraction when asked to', async () => {
    const text = '{"a":21.0,"b":21,"c":2e1,"d":21.5,"__proto__":{"e":1.00}}\n';
    const [value] = await readShort(landed('a.ndjson', text), { keepWrittenFractions: true });
    const expected = JSON.parse('{"a":0,"b":21,"c":0,"d":21.5,"__proto__":{"e":0}}');
    expected.a = exact('21.0');
    expected.c = exact('2e1');
    Object.getOwnPropertyDescriptor(expected, '__proto__')!.value.e = exact('1.00');
    assert.deepEqual(value, expected);
  });
});

const letters = ['a', 'é', '"', '\\', '\n', '\u2028', '😀', '{', ']', ',', '\0'];

function randomValue(random: () => number, depth: number): FileValue {
  const pick = Math.floor(random() * (depth > 3 ? 5 : 7));
  if (pick === 0) return null;
  if (pick === 1) return random() < 0.5;
  if (pick === 2) return Math.floor(random() * 1e6) - 5e5;
  if (pick === 3) return (random() - 0.5) * 10 ** Math.floor(random() * 30 - 15);
  if (pick === 4) return randomText(random);
  const length = Math.floor(random() * 5);
  if (pick === 5) return Array.from({ length }, () => randomValue(random, depth + 1));
  return randomObject(random, depth + 1);
}

function randomText(random: () => number): string {
  return Array.from({ length: random() * 6 }, () => letters[Math.floor(random() * letters.length)]).join('');
}

function randomObject(random: () => number, depth: number): Record<string, FileValue> {
  return Object.fromEntries(
    Array.from({ length: random() * 5 }, () => [randomText(random), randomValue(random, depth)]),
  );
}

describe('random JSON', () => {
  it('reads as JSON.parse does, at whatever bytes the chunks end', async () => {
    const random = seededRandom(20);
    const next = () => random.next();
    for (let round = 0; round < ofSeeds(60); round++) {
      const objects = Array.from({ length: 4 }, () => randomObject(next, 0));
      const expected = objects.map((object) => JSON.parse(JSON.stringify(object)));
      const lines = objects.map((object) => JSON.stringify(object)).join('\n');
      const pretty = JSON.stringify(objects, null, round % 3);
      const concatenated = objects
        .map((object) => JSON.stringify(object, null, 1))
        .join(round % 2 ? '' : ' ');
      const chunkBytes = 1 + Math.floor(next() * 40);
      assert.deepEqual(await readShort(landed('a.ndjson', lines, chunkBytes)), expected);
      assert.deepEqual(await readShort(landed('a', pretty, chunkBytes), { format: 'json' }), expected);
      assert.deepEqual(await readShort(landed('a', concatenated, chunkBytes), { format: 'json' }), expected);
    }
  });

  it('gives the same records, good and bad, wherever a file is cut in two', async () => {
    const text = '[{"a":"\\\\\\"é"},x,{"b":[1,{"c":"]"}]},,3]{"d":\n1} y{"e":12345678901234567890}\r\n[{"f"';
    const bytes = Buffer.from(text);
    for (const format of ['json', 'ndjson'] as const) {
      const whole = await readAll(landed('a', bytes), { format });
      for (let cut = 0; cut <= bytes.length; cut++) {
        assert.deepEqual(
          await readAll(landedInTwo('a', bytes, cut), { format }),
          whole,
          `${format} at ${cut}`,
        );
      }
    }
  });
});

describe('chunks', () => {
  it('are bounded by records and by bytes, and count the bytes read', async () => {
    const text = `{"a":"${'x'.repeat(90)}"}\n`.repeat(50);
    const sizes: number[] = [];
    let bytesRead = 0;
    for await (const chunk of readRecords(landed('a.ndjson', text, 500), { maxChunkRecords: 8 })) {
      sizes.push(chunk.records.length);
      assert.ok(chunk.bytesRead >= bytesRead);
      bytesRead = chunk.bytesRead;
    }
    assert.deepEqual(sizes, [8, 8, 8, 8, 8, 8, 2]);
    assert.equal(bytesRead, text.length);
    const byBytes: number[] = [];
    for await (const chunk of readRecords(landed('a.ndjson', text), { maxChunkBytes: 1000 })) {
      byBytes.push(chunk.records.length);
    }
    assert.deepEqual(byBytes, [11, 11, 11, 11, 6]);
  });

  it('of a long stream take little memory', async () => {
    const line = `{"device":"dev-1","at":"2026-01-01T00:00:00Z","value":21.53,"text":"${'x'.repeat(900)}"}\n`;
    const piece = Buffer.from(line.repeat(1000));
    const pieces = 150;
    let peakBytes = 0;
    const before = process.memoryUsage().rss;
    const file = {
      ...landed('a.ndjson', ''),
      async *stream() {
        for (let index = 0; index < pieces; index++) yield piece;
      },
    };
    let rowCount = 0;
    for await (const { records } of readRecords(file)) {
      rowCount += records.length;
      peakBytes = Math.max(peakBytes, process.memoryUsage().rss - before);
    }
    assert.equal(rowCount, pieces * 1000);
    assert.ok(peakBytes < 100 * 2 ** 20, `${peakBytes} bytes more at the peak`);
  });

  it('end the stream of a file when the reader stops early', async () => {
    let isClosed = false;
    const file = {
      ...landed('a.ndjson', ''),
      async *stream() {
        try {
          for (;;) yield Buffer.from('{"a":1}\n'.repeat(1000));
        } finally {
          isClosed = true;
        }
      },
    };
    for await (const _ of readRecords(file)) break;
    assert.ok(isClosed);
  });
});
