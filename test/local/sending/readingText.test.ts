import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReadingSplitter } from '../../../local/sending/readingText.js';

/** Every way of cutting the text gives the same; the result is `text@line`, or `!line reason`. */
function split(text: string): string[] {
  const results = [1, 2, 7, 65_536].map((chunkLength) => {
    const splitter = createReadingSplitter();
    const found = [];
    for (let index = 0; index < text.length; index += chunkLength)
      found.push(...splitter.push(text.slice(index, index + chunkLength)));
    found.push(...splitter.end());
    return found.map((item) =>
      item.kind === 'reading' ? `${item.text}@${item.line}` : `!${item.line} ${item.reason}`,
    );
  });
  for (const result of results) assert.deepEqual(result, results[0]);
  return results[0] ?? [];
}

describe('a readings file', () => {
  it('may be an array, written in any way', () => {
    assert.deepEqual(split('[{"a":1},{"a":2}]'), ['{"a":1}@1', '{"a":2}@1']);
    assert.deepEqual(split(' [\r\n  {"a": 1},\r\n  {"b": {"c": [1]}}\r\n]\r\n'), [
      '{"a": 1}@2',
      '{"b": {"c": [1]}}@3',
    ]);
    assert.deepEqual(split('[]'), []);
  });

  it('may be one object, on one line or on several', () => {
    assert.deepEqual(split('{"a":1}'), ['{"a":1}@1']);
    assert.deepEqual(split('\n{\n  "a": {\n    "b": 1\n  }\n}\n'), ['{\n  "a": {\n    "b": 1\n  }\n}@2']);
  });

  it('may be several objects one after the other', () => {
    assert.deepEqual(split('{\n"a":1\n}\n{\n"a":2\n}\n'), ['{\n"a":1\n}@1', '{\n"a":2\n}@4']);
  });

  it('may be one object a line, with any line ends and empty lines', () => {
    assert.deepEqual(split('{"a":1}\r\n\r\n{"a":2}\n'), ['{"a":1}@1', '{"a":2}@3']);
  });

  it('may be arrays, one a line', () => {
    assert.deepEqual(split('[{"a":1},{"a":2}]\n[{"a":3}]\n'), ['{"a":1}@1', '{"a":2}@1', '{"a":3}@2']);
  });

  it('may begin with a byte order mark', () => {
    assert.deepEqual(split('\ufeff{"a":1}\n{"a":2}'), ['{"a":1}@1', '{"a":2}@2']);
    assert.deepEqual(split('\ufeff[{"a":1}]'), ['{"a":1}@1']);
  });

  it('may hold brackets, quotes and separators in strings', () => {
    assert.deepEqual(split('[{"a":"]}\\",["},{"b":"\\\\"}]'), ['{"a":"]}\\",["}@1', '{"b":"\\\\"}@1']);
  });

  it('may be empty', () => {
    assert.deepEqual(split(''), []);
    assert.deepEqual(split(' \n\n'), []);
  });
});

describe('a bad line', () => {
  it('costs only itself among lines', () => {
    const [first, bad, last] = split('{"a":1}\n{"a":oops}\n{"a":3}\n');
    assert.equal(first, '{"a":1}@1');
    assert.match(bad ?? '', /^!2 is not JSON: /);
    assert.equal(last, '{"a":3}@3');
  });

  it('costs only itself when it comes first', () => {
    const [bad, good] = split('{oops\n{"a":2}\n');
    assert.match(bad ?? '', /^!1 is not JSON: /);
    assert.equal(good, '{"a":2}@2');
    assert.match(split('# exported\n{"a":2}\n')[0] ?? '', /^!1 is not JSON: /);
  });

  it('costs only itself in an array whose brackets still match', () => {
    const [first, bad, last] = split('[{"a":1},\n{"a":oops},\n{"a":3}]');
    assert.equal(first, '{"a":1}@1');
    assert.match(bad ?? '', /^!2 is not JSON: /);
    assert.equal(last, '{"a":3}@3');
  });

  it('is one that holds something other than an object', () => {
    assert.deepEqual(split('{"a":1}\n42\n"text"\nnull\n'), [
      '{"a":1}@1',
      '!2 is a number, not a JSON object',
      '!3 is a string, not a JSON object',
      '!4 is null, not a JSON object',
    ]);
    assert.deepEqual(split('[5,\n"x", true,[1]]'), [
      '!1 is a number, not a JSON object',
      '!2 is a string, not a JSON object',
      '!2 is a boolean, not a JSON object',
      '!2 is a number, not a JSON object',
    ]);
  });

  it('is where a file that was cut off leaves its last reading', () => {
    assert.deepEqual(split('[{"a":1},\n{"a":'), [
      '{"a":1}@1',
      '!2 the reading that begins here is not finished at the end of the file',
    ]);
    assert.deepEqual(split('[{"a":1}\n'), ['{"a":1}@1', '!2 the array has no closing bracket']);
    assert.match(split('{"a":1}\n{"a":')[1] ?? '', /^!2 is not JSON: /);
    assert.match(split('{"a":')[0] ?? '', /^!1 is not JSON: /);
  });
});
