import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../shared/base/index.js';
import { VersionedMap } from '../../shared/delta/versionedMap.js';

describe('a versioned map', () => {
  it('shows in every version what a copy would show, in random histories with branches', () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = seededRandom(seed);
      const below = (limit: number) => Math.floor(random.next() * limit);
      const versions: { map: VersionedMap<string, number>; copy: Map<string, number> }[] = [
        { map: VersionedMap.empty(), copy: new Map() },
      ];
      for (let step = 0; step < 40; step++) {
        const from = random.next() < 0.8 ? versions.at(-1)! : versions[below(versions.length)]!;
        const changes = Array.from({ length: below(5) }, (_, index) => {
          const value = random.next() < 0.3 ? undefined : step * 10 + index;
          return [`key${below(12)}`, value] as const;
        });
        const copy = new Map(from.copy);
        for (const [key, value] of changes) {
          if (value === undefined) copy.delete(key);
          else copy.set(key, value);
        }
        versions.push({ map: from.map.with(changes), copy });
        const looked = versions[below(versions.length)]!;
        assert.equal(looked.map.get('key3'), looked.copy.get('key3'));
      }
      for (const { map, copy } of versions) {
        assert.equal(map.size, copy.size);
        assert.deepEqual([...map].sort(), [...copy].sort());
        assert.deepEqual([...map.keys()].sort(), [...copy.keys()].sort());
        assert.deepEqual([...map.values()].sort(), [...copy.values()].sort());
        assert.equal(map.has('key3'), copy.has('key3'));
        const visited = new Map<string, number>();
        map.forEach((value, key) => {
          visited.set(key, value);
        });
        assert.deepEqual([...visited].sort(), [...copy].sort());
      }
    }
  });

  it('keeps an iteration that began before a change', () => {
    const first = VersionedMap.empty<string, number>().with([
      ['a', 1],
      ['b', 2],
    ]);
    const iterator = first.values();
    assert.equal(iterator.next().value, 1);
    first.with([
      ['b', undefined],
      ['c', 3],
    ]);
    assert.deepEqual([...iterator], [2]);
    assert.deepEqual([...first.keys()], ['a', 'b']);
  });
});
