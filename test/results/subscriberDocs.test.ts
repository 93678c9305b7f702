// The programs in docs/subscribers.md are the ones that other tests run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { undeliveredReasons } from '../../shared/results/webhookPolicy.js';

const root = join(import.meta.dirname, '..', '..', '..');
const docs = readFileSync(join(root, 'docs', 'subscribers.md'), 'utf8');

function exampleOf(file: string): string {
  const text = readFileSync(join(root, 'test', 'support', file), 'utf8');
  const example = /\/\/ begin\n([\s\S]*)\/\/ end\n/.exec(text)?.[1];
  assert.ok(example !== undefined && example.length > 100, `${file} has no example`);
  return example;
}

describe('docs/subscribers.md', () => {
  it('shows the subscriber and the receiver of webhooks that are tested', () => {
    for (const file of ['subscriberExample.ts', 'webhookReceiverExample.ts']) {
      assert.ok(docs.includes(`\`\`\`ts\n${exampleOf(file)}\`\`\``), `${file} is not in the docs as it is`);
    }
  });

  it('explains every reason for which an alert is undelivered', () => {
    const section = docs.slice(docs.indexOf('`undelivered_alerts`, with'));
    const explained = [...section.matchAll(/^\| `([a-z_]+)`/gm)].map((match) => match[1]);
    assert.deepEqual(explained.sort(), [...undeliveredReasons].sort());
  });
});
