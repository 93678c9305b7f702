import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cutToWidth, displayWidth, padToWidth, visibleText, wrapText } from '../../../local/terminal/text.js';

describe('text on a terminal', () => {
  it('is measured in columns, not in characters', () => {
    assert.equal(displayWidth('abc'), 3);
    assert.equal(displayWidth('温度'), 4);
    assert.equal(displayWidth('e\u0301'), 1);
    assert.equal(displayWidth('🔥'), 2);
  });

  it('is cut with an ellipsis that fits', () => {
    assert.equal(cutToWidth('temperature', 11), 'temperature');
    assert.equal(cutToWidth('temperature', 6), 'tempe…');
    assert.equal(cutToWidth('温度計', 4), '温…');
    assert.equal(cutToWidth('abc', 1), '…');
    assert.equal(cutToWidth('abc', 0), '');
  });

  it('cannot send commands to the terminal', () => {
    assert.equal(visibleText('a\u001b[31mb\nc\td\u202ee'), 'a\\u{1b}[31mb\\nc\\td\\u{202e}e');
    assert.equal(visibleText('21 °C'), '21 °C');
  });

  it('is padded on the side that its alignment leaves free', () => {
    assert.equal(padToWidth('度', 4, 'left'), '度  ');
    assert.equal(padToWidth('7', 3, 'right'), '  7');
    assert.equal(padToWidth('1234', 3, 'right'), '1234');
  });

  it('is wrapped between words only', () => {
    assert.deepEqual(wrapText('one two three', 7), ['one two', 'three']);
    assert.deepEqual(wrapText('extraordinary day', 5), ['extraordinary', 'day']);
  });
});
