import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fileMatcher } from '../../../shared/autoloader/loading/fileMatch.js';

const cases: readonly [prefix: string, glob: string, matching: string[], other: string[]][] = [
  ['', '**', ['a', 'a/b', ' '], []],
  ['in', '**', ['in/a', 'in/b/c'], ['in', 'in/', 'inn/a', 'a/in/b']],
  ['', '*.json', ['a.json', 'x/y/a.json', '.json'], ['a.jsonl', 'a.json/b']],
  ['in', '2025/**', ['in/2025/a', 'in/2025/b/c'], ['in/2024/a', '2025/a', 'in/x/2025/a']],
  ['', '**/*.csv', ['a.csv', 'b/a.csv', 'c/b/a.csv'], ['a.csv.gz', 'acsv']],
  ['', 'a+(b)$.json', ['a+(b)$.json'], ['aab.json']],
  ['', 'year=*/day-*.json', ['year=2025/day-1.json'], ['year=2025/x/day-1.json', 'year=2025/day-1/x.json']],
];

for (const [prefix, glob, matching, other] of cases) {
  it(`the glob ${JSON.stringify(glob)} below ${JSON.stringify(prefix)} matches what it says`, () => {
    const matches = fileMatcher({ prefix, glob });
    assert.deepEqual([...matching, ...other].filter(matches), matching);
  });
}
