// Loaded into Azurite's process before Azurite itself. Azurite keeps its index in LokiJS and looks a blob, message or row up by all parts
// of its key, the account first; LokiJS then lists all rows of the account, then those of the container, then those of the name, for
// milliseconds where there are thousands. Here the last part of each key leads to its rows by a map. The rows found are the same.
import { createRequire } from 'node:module';

interface Row {
  readonly $loki: number;
  readonly [property: string]: unknown;
}

interface Collection {
  readonly data: readonly Row[];
  get(id: number, withPosition: true): readonly [Row, number] | null;
  on(event: 'insert' | 'update' | 'delete', listener: (rows: Row | readonly Row[]) => void): void;
  remove(rows: unknown): unknown;
}

type Condition = Readonly<Record<string, unknown>>;

interface ResultSet {
  readonly collection: Collection;
  filterInitialized: boolean;
  /** Positions in the collection's data. */
  filteredrows: number[];
  findAnd: (conditions: readonly Condition[]) => ResultSet;
  $and: ResultSet['findAnd'];
}

interface LokiClass {
  new (name: string): { addCollection(name: string): Collection & { chain(): ResultSet } };
}

/** Where the rows of a collection are that have a value in one property. */
class PropertyMap {
  #ids = new Map<unknown, Set<number>>();
  #values = new Map<number, unknown>();

  constructor(
    private readonly collection: Collection,
    private readonly property: string,
  ) {
    const forEach = (rows: Row | readonly Row[], visit: (row: Row) => void) =>
      (Array.isArray(rows) ? (rows as readonly Row[]) : [rows as Row]).forEach(visit);
    collection.on('insert', (rows) => forEach(rows, (row) => this.#put(row)));
    collection.on('update', (rows) => forEach(rows, (row) => this.#put(row)));
    collection.on('delete', (rows) => forEach(rows, ({ $loki }) => this.#drop($loki)));
  }

  /** In the order of insertion. */
  positionsOf(value: unknown): number[] {
    // Rows that were read from disk, or removed all at once, have no events.
    if (this.#values.size !== this.collection.data.length) this.#rebuild();
    const found = [...(this.#ids.get(value) ?? [])].map((id) => this.collection.get(id, true)?.[1]);
    return found.filter((position) => position !== undefined).sort((left, right) => left - right);
  }

  #rebuild(): void {
    this.#ids = new Map();
    this.#values = new Map();
    for (const row of this.collection.data) this.#put(row);
  }

  #put(row: Row): void {
    this.#drop(row.$loki);
    const value = row[this.property];
    this.#values.set(row.$loki, value);
    const ids = this.#ids.get(value) ?? new Set();
    this.#ids.set(value, ids.add(row.$loki));
  }

  #drop(id: number): void {
    if (!this.#values.has(id)) return;
    const value = this.#values.get(id);
    const ids = this.#ids.get(value);
    ids?.delete(id);
    if (ids?.size === 0) this.#ids.delete(value);
    this.#values.delete(id);
  }
}

const maps = new WeakMap<Collection, Map<string, PropertyMap>>();

function mapOf(collection: Collection, property: string): PropertyMap {
  const ofCollection = maps.get(collection) ?? new Map<string, PropertyMap>();
  const map = ofCollection.get(property) ?? new PropertyMap(collection, property);
  maps.set(collection, ofCollection.set(property, map));
  return map;
}

/** The parts of a key in the order from the most to the least telling: a name says more than its account. */
const tellingProperties = ['RowKey', 'messageId', 'name', 'blobName'];

const ours = createRequire(import.meta.url);
const Loki = createRequire(ours.resolve('azurite/dist/src/azurite.js'))('lokijs') as LokiClass;
const anyCollection = new Loki('').addCollection('any');
const prototype = Object.getPrototypeOf(anyCollection.chain()) as ResultSet;
const oneByOne = prototype.findAnd;

prototype.findAnd = function (this: ResultSet, conditions) {
  const wanted = conditions.flatMap((condition) => Object.entries(condition));
  const property = tellingProperties.find((name) =>
    wanted.some(([key, value]) => key === name && isPlain(value)),
  );
  if (this.filterInitialized || property === undefined || !wanted.every(isEquality))
    return oneByOne.call(this, conditions);
  const { data } = this.collection;
  const value = wanted.find(([key]) => key === property)?.[1];
  this.filteredrows = mapOf(this.collection, property)
    .positionsOf(value)
    .filter((position) => wanted.every(([key, wantedValue]) => data[position]?.[key] === wantedValue));
  this.filterInitialized = true;
  return this;
};
prototype.$and = prototype.findAnd;

// Each request to a queue removes the messages that have expired; to remove none of them, LokiJS sorts all its indices anew.
const collections = Object.getPrototypeOf(anyCollection) as Collection;
const removeSome = collections.remove;
collections.remove = function (this: Collection, rows) {
  return Array.isArray(rows) && rows.length === 0 ? undefined : removeSome.call(this, rows);
};

/** `{ name: 'a' }`; not `{ size: { $lt: 3 } }`, nor a path into nested objects. */
function isEquality([property, value]: readonly [string, unknown]): boolean {
  return !property.includes('.') && !property.startsWith('$') && isPlain(value);
}

function isPlain(value: unknown): boolean {
  return value === null || typeof value !== 'object';
}
