import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { checkFiles, readReadings, readWhole } from '../../../local/sending/readingFiles.js';

const folder = mkdtempSync(join(tmpdir(), 'tributary-readings-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

async function readAll(file: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const found of readReadings(file))
    for (const item of found) texts.push(item.kind === 'reading' ? item.text : `!${item.line}`);
  return texts;
}

const lines = Array.from(
  { length: 20_000 },
  (_, index) => `{"deviceId":"d${index % 7}","note":"21 °C ${index}"}`,
);

describe('reading files', () => {
  it('gives the same readings from lines, an array, and either compressed', async () => {
    const text = lines.join('\n');
    const array = `[${lines.join(',\n')}]`;
    assert.deepEqual(await readAll(write('a.ndjson', text)), lines);
    assert.deepEqual(await readAll(write('a.json', array)), lines);
    assert.deepEqual(await readAll(write('a.ndjson.gz', gzipSync(text))), lines);
    assert.deepEqual(await readAll(write('no-suffix', gzipSync(array))), lines);
  });

  it('takes empty files and files of one byte', async () => {
    assert.deepEqual(await readAll(write('empty', '')), []);
    assert.deepEqual(await readAll(write('one', '\n')), []);
    assert.deepEqual(await readAll(write('short', '7')), ['!1']);
  });

  it('names a file that is damaged', async () => {
    const file = write('cut.gz', gzipSync(lines.join('\n')).subarray(0, 2000));
    await assert.rejects(readAll(file), /cut\.gz cannot be read: unexpected end of file/);
  });

  it('names a file that is missing, or a folder, before anything is sent', () => {
    assert.throws(() => checkFiles([write('there', ''), join(folder, 'gone')]), /There is no file .*gone\./);
    assert.throws(() => checkFiles([folder]), /is a folder\. Name its files/);
    checkFiles(['-']);
  });

  it('reads a file whole, unless it is larger than allowed', async () => {
    const file = write('whole.gz', gzipSync('[{"a":1}]'));
    assert.equal((await readWhole(file, 100)).toString(), '[{"a":1}]');
    await assert.rejects(readWhole(file, 5), /larger than one event may be \(5 bytes\)/);
  });
});
