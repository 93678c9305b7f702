// Pure. A map with many versions that costs what changes, not what it holds.

type Change<Key, Value> = readonly [key: Key, value: Value | undefined];

/**
 * The newest version owns a plain Map. Deriving a version from it moves that Map on and leaves the old version with the
 * way back (Baker's trick), so it takes time and memory for the changed keys only. An old version that somebody still
 * looks at rebuilds a Map of its own, once.
 */
export class VersionedMap<Key, Value> implements ReadonlyMap<Key, Value> {
  #own: Map<Key, Value> | undefined;
  /** Set when another version took the Map: that version, and what to change to get from it back to this one. */
  #successor: VersionedMap<Key, Value> | undefined;
  #wayBack: readonly Change<Key, Value>[] = [];

  private constructor(own: Map<Key, Value>) {
    this.#own = own;
  }

  static empty<Key, Value>(): VersionedMap<Key, Value> {
    return new VersionedMap<Key, Value>(new Map());
  }

  /** A version with these changes on top; undefined deletes. This version still shows what it showed. */
  with(changes: Iterable<Change<Key, Value>>): VersionedMap<Key, Value> {
    const map = this.#map();
    const wayBack: Change<Key, Value>[] = [];
    for (const [key, value] of changes) {
      wayBack.push([key, map.get(key)]);
      apply(map, key, value);
    }
    const next = new VersionedMap(map);
    this.#own = undefined;
    this.#successor = next;
    this.#wayBack = wayBack.reverse();
    return next;
  }

  get size(): number {
    return this.#map().size;
  }

  get(key: Key): Value | undefined {
    return this.#map().get(key);
  }

  has(key: Key): boolean {
    return this.#map().has(key);
  }

  forEach(visit: (value: Value, key: Key, map: ReadonlyMap<Key, Value>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }

  /** Iterates over a copy: whoever iterates may wait in between, while a later version takes the Map and changes it. */
  entries(): MapIterator<[Key, Value]> {
    return [...this.#map().entries()][Symbol.iterator]();
  }

  keys(): MapIterator<Key> {
    return [...this.#map().keys()][Symbol.iterator]();
  }

  values(): MapIterator<Value> {
    return [...this.#map().values()][Symbol.iterator]();
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.entries();
  }

  #map(): Map<Key, Value> {
    this.#own ??= this.#rebuild();
    return this.#own;
  }

  #rebuild(): Map<Key, Value> {
    const waysBack: (readonly Change<Key, Value>[])[] = [];
    let version: VersionedMap<Key, Value> = this;
    while (version.#own === undefined) {
      waysBack.push(version.#wayBack);
      version = version.#successor!;
    }
    const map = new Map(version.#own);
    for (const changes of waysBack.reverse()) {
      for (const [key, value] of changes) apply(map, key, value);
    }
    this.#successor = undefined;
    this.#wayBack = [];
    return map;
  }
}

function apply<Key, Value>(map: Map<Key, Value>, key: Key, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
