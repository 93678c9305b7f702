// What every landing store must do (the contract written in shared/storage/landingStore.ts), as a suite.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LandedInfo, LandingStore } from '../../shared/storage/index.js';

export interface LandingContractOptions {
  readonly name: string;
  /** An empty container, another one at each call, and how a sender writes into it. */
  readonly createLanding: () => Promise<{
    readonly landing: LandingStore;
    readonly send: (path: string, bytes: Uint8Array) => Promise<void>;
  }>;
  /** Files in the listing that must follow pages. */
  readonly manyFiles: number;
}

/** Names that senders may give: any that Azure takes. */
const awkwardNames = [
  'with space.json',
  'a%2Fb.json',
  '100%.json',
  'a#b.json',
  'a?b=c&d.json',
  'a+b.json',
  "it's (a) name!.json",
  'M\u00fcnchen/\u65e5\u672c.json',
  'smile-\u{1f600}.json',
  'colon: {curly}[square]~`|<>"',
  `${'deep/'.repeat(150)}${'n'.repeat(250)}`,
];

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const whole = ({ sizeBytes }: LandedInfo) => ({ start: 0, end: sizeBytes });

async function collect(files: AsyncIterable<LandedInfo>): Promise<LandedInfo[]> {
  const found: LandedInfo[] = [];
  for await (const file of files) found.push(file);
  return found;
}

async function textOf(landing: LandingStore, file: LandedInfo): Promise<string> {
  const result = await landing.read(file, whole(file));
  assert.equal(result.kind, 'read');
  return new TextDecoder().decode(result.kind === 'read' ? result.bytes : undefined);
}

export function describeLandingContract({ name, createLanding, manyFiles }: LandingContractOptions): void {
  describe(`the landing contract: ${name}`, () => {
    it('finds nothing in an empty container', async () => {
      const { landing } = await createLanding();
      assert.deepEqual(await collect(landing.list('')), []);
      assert.equal(await landing.head('missing'), undefined);
      const version = { path: 'missing', etag: '0x1' };
      const missing = { kind: 'missing' };
      assert.deepEqual(await landing.read(version, { start: 0, end: 5 }), missing);
      assert.deepEqual(await landing.read(version, { start: 0, end: 0 }), missing);
      assert.deepEqual(await landing.delete(version), missing);
      assert.deepEqual(await landing.move(version, 'elsewhere'), missing);
    });

    it('tells the same of a file in a listing and by itself', async () => {
      const { landing, send } = await createLanding();
      await send('in/a.json', bytesOf('{"a":1}'));
      const [listed] = await collect(landing.list('in/'));
      assert.deepEqual(listed, await landing.head('in/a.json'));
      assert.equal(listed?.path, 'in/a.json');
      assert.equal(listed?.sizeBytes, 7);
      assert.match(listed?.etag ?? '', /^[^"]+$/);
      assert.ok((listed?.modifiedMs ?? -1) >= 0);
    });

    it('reads the whole of a file and ranges of it, also of an empty one', async () => {
      const { landing, send } = await createLanding();
      await send('digits', bytesOf('0123456789'));
      await send('empty', new Uint8Array(0));
      const digits = (await landing.head('digits'))!;
      assert.equal(await textOf(landing, digits), '0123456789');
      const part = await landing.read(digits, { start: 3, end: 6 });
      assert.deepEqual(
        { ...part, bytes: part.kind === 'read' ? [...part.bytes] : [] },
        {
          kind: 'read',
          bytes: [51, 52, 53],
        },
      );
      assert.equal(await textOf(landing, (await landing.head('empty'))!), '');
    });

    it('never gives the bytes of another version', async () => {
      const { landing, send } = await createLanding();
      await send('file', bytesOf('the first'));
      const first = (await landing.head('file'))!;
      await send('file', bytesOf('the second'));
      const changed = { kind: 'changed' };
      assert.deepEqual(await landing.read(first, whole(first)), changed);
      assert.deepEqual(await landing.read(first, { start: 0, end: 0 }), changed);
      assert.deepEqual(await landing.delete(first), changed);
      assert.deepEqual(await landing.move(first, 'elsewhere'), changed);
      const second = (await landing.head('file'))!;
      assert.notEqual(second.etag, first.etag);
      assert.equal(await textOf(landing, second), 'the second');
      assert.equal(await landing.head('elsewhere'), undefined);
    });

    it('moves a file, over another if need be, and deletes one', async () => {
      const { landing, send } = await createLanding();
      await send('in/a', bytesOf('moved'));
      await send('archive/a', bytesOf('old'));
      const file = (await landing.head('in/a'))!;
      assert.deepEqual(await landing.move(file, 'archive/a'), { kind: 'done' });
      assert.deepEqual(await landing.move(file, 'archive/a'), { kind: 'missing' });
      const moved = (await landing.head('archive/a'))!;
      assert.equal(await textOf(landing, moved), 'moved');
      assert.deepEqual(await landing.delete(moved), { kind: 'done' });
      assert.deepEqual(await landing.delete(moved), { kind: 'missing' });
      assert.deepEqual(await collect(landing.list('')), []);
    });

    for (const path of awkwardNames) {
      it(`takes the name ${JSON.stringify(path.slice(0, 40))}`, async () => {
        const { landing, send } = await createLanding();
        await send(path, bytesOf('x'));
        const [listed] = await collect(landing.list(''));
        assert.equal(listed?.path, path);
        assert.equal(await textOf(landing, listed!), 'x');
        assert.deepEqual(await landing.move(listed!, `z/${path.slice(0, 900)}`), { kind: 'done' });
        const moved = (await landing.head(`z/${path.slice(0, 900)}`))!;
        assert.deepEqual(await landing.delete(moved), { kind: 'done' });
      });
    }

    it('lists everything below a prefix, in order', async () => {
      const { landing, send } = await createLanding();
      const names = Array.from({ length: manyFiles }, (_, index) => `in/${String(index).padStart(5, '0')}`);
      const queue = [...names, 'other', 'im/x'];
      const senders = Array.from({ length: 20 }, async () => {
        for (let path = queue.shift(); path !== undefined; path = queue.shift())
          await send(path, bytesOf('x'));
      });
      await Promise.all(senders);
      assert.deepEqual(
        (await collect(landing.list('in/'))).map(({ path }) => path),
        names,
      );
    });
  });
}
