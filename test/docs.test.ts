// The docs and the code say the same: every code and reason that a user can meet is explained.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { errorCodes } from '../shared/base/index.js';
import { fileQuarantineReasons, quarantineReasons, shardQuarantineReasons } from '../shared/events/index.js';

const root = join(import.meta.dirname, '..', '..');

function headingsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^### `([A-Za-z0-9_]+)`/gm)].map((match) => match[1] ?? '');
}

function markdownFiles(): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((file) =>
    join('docs', file),
  );
  const local = readdirSync(join(root, 'local'), { recursive: true, encoding: 'utf8' }).map((file) =>
    join('local', file),
  );
  return ['README.md', ...docs, ...local].filter((file) => file.endsWith('.md'));
}

describe('docs/errors.md', () => {
  it('explains exactly the error codes and quarantine reasons that exist', () => {
    assert.deepEqual(
      headingsOf('docs/errors.md').sort(),
      [
        ...Object.keys(errorCodes),
        ...quarantineReasons,
        ...fileQuarantineReasons,
        ...shardQuarantineReasons,
      ].sort(),
    );
  });
});

describe('links in the docs', () => {
  it('lead to files that exist', () => {
    const broken: string[] = [];
    for (const file of markdownFiles()) {
      const text = readFileSync(join(root, file), 'utf8');
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)) {
        if (!existsSync(join(root, dirname(file), target))) broken.push(`${file}: ${target}`);
      }
    }
    assert.deepEqual(broken, []);
  });
});

describe('npm scripts named in the README', () => {
  it('exist', () => {
    const scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts as Record<
      string,
      string
    >;
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const named = [...readme.matchAll(/npm (?:run )?(start|test|[a-z]+(?::[a-z]+)?)\b/g)]
      .filter((match) => match[0].startsWith('npm run') || ['start', 'test'].includes(match[1] ?? ''))
      .map((match) => match[1] ?? '');
    assert.ok(named.length > 3);
    assert.deepEqual(
      named.filter((name) => !(name in scripts)),
      [],
    );
  });
});

describe('package-lock.json', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }>;
  };

  it('names no registry, so that it works behind a mirror', () => {
    assert.deepEqual(
      Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined),
      [],
    );
  });

  it('lists the packages of every platform, or npm ci would refuse it elsewhere', () => {
    const names = new Set(Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, '')));
    const missing = Object.values(lock.packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies).filter((name) => !names.has(name)),
    );
    assert.deepEqual(missing, []);
  });
});
