import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jsonData, stringsData, withBodyProperties } from '../../../local/host/typedData.js';

describe('typed data', () => {
  it('writes dates in ISO form and bytes in base64 at any depth, as .NET does', () => {
    const value = {
      at: new Date(0),
      list: [Buffer.from('abc'), { key: new Uint8Array([255]) }],
      text: 'x',
      no: null,
    };
    assert.deepEqual(JSON.parse(jsonData(value).json ?? ''), {
      at: '1970-01-01T00:00:00.000Z',
      list: ['YWJj', { key: '/w==' }],
      text: 'x',
      no: null,
    });
  });

  it('leaves null and empty entries out of a collection of texts, so that it gets shorter', () => {
    assert.deepEqual(stringsData(['a', undefined, '', null, 'b']), {
      collectionString: { string: ['a', 'b'] },
    });
  });
});

describe('properties of a text body', () => {
  const metadata = { Offset: { string: '7' }, SequenceNumber: { json: '1' } };

  it('join the metadata, arrays and nulls excepted, and replace same names whatever their case', () => {
    assert.deepEqual(
      withBodyProperties(metadata, '{"offset":"mine","n":1,"o":{"a":[1]},"list":[1],"none":null}'),
      {
        offset: { string: 'mine' },
        SequenceNumber: { json: '1' },
        n: { json: '1' },
        o: { json: '{"a":[1]}' },
      },
    );
  });

  for (const text of ['plain', '[1]', '12', '{"cut', '']) {
    it(`are none for ${JSON.stringify(text)}`, () => {
      assert.deepEqual(withBodyProperties(metadata, text), metadata);
    });
  }
});
