// The layers of docs/architecture.md, as a test: who may import whom, and what pure files may not touch.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

/** A folder may import folders of lower rank only; folders of one rank never import each other. */
const rankOf: Readonly<Record<string, number>> = {
  'shared/base': 1,
  'shared/storage': 2,
  'shared/messaging': 2,
  'shared/parquet': 2,
  'shared/delta': 4,
  'shared/pipeline': 3,
  'shared/events': 4,
  'shared/windows': 4,
  'shared/alerts': 4,
  'shared/shards': 5,
  'shared/ingest': 6,
  'shared/autoloader': 6,
  'shared/results': 6,
  'shared/maintenance': 6,
  'shared/progress': 6,
  'shared/app.ts': 7,
  functions: 8,
};

/** Files that may talk to Azure: adapters, the composition root, triggers, the local stack, benchmarks against Azurite. */
const mayUseAzure =
  /^(functions\/|local\/|bench\/|shared\/app\.ts$|shared\/storage\/[a-zA-Z]*[bB]lob[a-zA-Z]*\.ts$|shared\/storage\/[a-zA-Z]*Table[a-zA-Z]*\.ts$|shared\/messaging\/[a-zA-Z]*[hH]ub[a-zA-Z]*\.ts$)/;
const azurePackage = /^(@azure\/|durable-functions$)/;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

interface Finding {
  readonly path: string;
  readonly rule: string;
}

function unitOf(path: string): string {
  if (path === 'shared/app.ts') return path;
  const [top = '', folder = ''] = path.split('/');
  return top === 'shared' ? `shared/${folder}` : top;
}

function resolveImport(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.normalize(posix.join(posix.dirname(from), specifier)).replace(/\.js$/, '.ts');
}

function isPure(file: SourceFile): boolean {
  return /^\/\/ Pure[.:]/.test(file.text);
}

/** Comments and string literals do not count as code. */
function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/(^|[^:])\/\/.*$/gm, '$1');
}

function findingsFor(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const report = (rule: string) => findings.push({ path: file.path, rule });
  const unit = unitOf(file.path);
  const rank = rankOf[unit];
  const code = codeOf(file.text);

  for (const specifier of file.imports) {
    const target = resolveImport(file.path, specifier);
    if (target === undefined) {
      if (azurePackage.test(specifier) && !mayUseAzure.test(file.path)) report(`imports ${specifier}`);
      if (isPure(file)) report(`pure file imports ${specifier}`);
      continue;
    }
    const targetUnit = unitOf(target);
    if (targetUnit === unit || target === 'pipeline.ts') continue;
    // The benchmarks drive the commands' own parts, which have no door.
    const isBenchOfCommands = unit === 'bench' && targetUnit === 'local';
    const isDoor = posix.basename(target) === 'index.ts' || target === 'shared/app.ts';
    if (!isDoor && !isBenchOfCommands) report(`enters ${target} past its index.ts`);
    const targetRank = rankOf[targetUnit];
    if (rank === undefined) continue;
    if (targetRank === undefined || targetRank >= rank) report(`${unit} may not import ${targetUnit}`);
  }
  if (isPure(file) && /\bawait\b|\basync\b/.test(code)) report('pure file awaits');
  if (isPure(file) && /\bprocess\./.test(code)) report('pure file uses process');
  if (
    /\bDate\.now\(|new Date\(\)|\bsetTimeout\(.*resolve/.test(code) &&
    !/^(shared\/base\/clock\.ts|test\/)/.test(file.path)
  ) {
    report('reads the clock outside shared/base/clock.ts');
  }
  if (/\bMath\.random\(|\brandomUUID\(/.test(code) && !/^(shared\/base\/random\.ts|test\/)/.test(file.path)) {
    report('draws chance outside shared/base/random.ts');
  }
  if (
    /\bprocess\.env\b/.test(code) &&
    /^(shared|functions)\//.test(file.path) &&
    file.path !== 'shared/app.ts'
  ) {
    report('reads process.env outside shared/app.ts');
  }
  if (/(^|\/)(utils?|helpers?)\.ts$/.test(file.path))
    report('is a utils file: name it after its domain noun');
  return findings;
}

function importsOf(text: string): string[] {
  const specifiers = text.matchAll(
    /(?:^|\n)(?:import|export)\s(?:[^;'"]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  );
  return [...specifiers].map((match) => match[1] ?? match[2] ?? '');
}

function sourceFile(path: string, text: string): SourceFile {
  return { path, text, imports: importsOf(text) };
}

function readSources(): SourceFile[] {
  const folders = ['functions', 'shared', 'local', 'bench'];
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.includes(`node_modules${sep}`))
      .map((file) => {
        const absolute = join(root, folder, file);
        return sourceFile(relative(root, absolute).split(sep).join('/'), readFileSync(absolute, 'utf8'));
      }),
  );
}

describe('the layers', () => {
  it('hold for every source file', () => {
    const sources = readSources();
    assert.ok(sources.length > 10, `only ${sources.length} files found below ${dirname(root)}`);
    assert.deepEqual(
      sources.flatMap(findingsFor).map((finding) => `${finding.path}: ${finding.rule}`),
      [],
    );
  });

  const violations: readonly [name: string, path: string, text: string][] = [
    ['storage importing delta', 'shared/storage/a.ts', "import { x } from '../delta/index.js';"],
    ['windows importing alerts', 'shared/windows/a.ts', "import { x } from '../alerts/index.js';"],
    ['a door passed by', 'shared/ingest/a.ts', "import { x } from '../delta/replay.js';"],
    ['a pure file reading the clock', 'shared/windows/a.ts', '// Pure. State.\nexport const t = Date.now();'],
    ['a pure file that awaits', 'shared/windows/a.ts', '// Pure. State.\nexport async function f() {}'],
    ['a pure file importing Node', 'shared/windows/a.ts', "// Pure. State.\nimport { x } from 'node:fs';"],
    ['an Azure SDK in delta', 'shared/delta/a.ts', "import { x } from '@azure/storage-blob';"],
    ['process.env in ingest', 'shared/ingest/a.ts', 'export const x = process.env.HOME;'],
    ['chance outside random.ts', 'shared/ingest/a.ts', 'export const x = Math.random();'],
    ['a dynamic import across layers', 'shared/storage/a.ts', "const d = await import('../delta/index.js');"],
    ['a utils file', 'shared/base/utils.ts', 'export const x = 1;'],
  ];
  for (const [name, path, text] of violations) {
    it(`report ${name}`, () => {
      assert.notDeepEqual(findingsFor(sourceFile(path, text)), []);
    });
  }
});
