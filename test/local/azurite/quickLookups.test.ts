// What Azurite finds in its index is what is there, whatever was inserted, changed and removed before.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import '../../../local/azurite/quickLookups.js';
import { seededRandom } from '../../../shared/base/index.js';

interface Row {
  accountName: string;
  name: string;
  size: number;
}

interface Rows {
  insert(row: Row): Row;
  find(query: object): Row[];
  findOne(query: object): Row | null;
  update(row: Row): void;
  remove(rows: Row | Row[]): void;
  clear(): void;
}

interface Database {
  addCollection(name: string, options: object): Rows;
  getCollection(name: string): Rows;
  serialize(): string;
  loadJSON(text: string): void;
}

const ours = createRequire(import.meta.url);
const Loki = createRequire(ours.resolve('azurite/dist/src/azurite.js'))('lokijs') as new (
  name: string,
) => Database;

const indices = ['accountName', 'name'];

describe("Azurite's index", () => {
  it('finds the rows with all parts of a key', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = seededRandom(seed);
      const below = (limit: number) => Math.floor(random.next() * limit);
      const any = (): Row => ({ accountName: `a${below(2)}`, name: String(below(12)), size: below(5) });
      const database = new Loki('test.db');
      let rows = database.addCollection('rows', { indices });
      let model: Row[] = [];
      const sorted = (found: readonly Row[]) =>
        found.map(({ accountName, name, size }) => `${accountName}/${name}/${size}`).sort();
      for (let step = 0; step < 200; step++) {
        const { accountName, name, size } = any();
        const isMeant = (row: Row) => row.accountName === accountName && row.name === name;
        const found = rows.find({ accountName, name });
        assert.deepEqual(sorted(found), sorted(model.filter(isMeant)), `seed ${seed}, step ${step}`);
        assert.equal(rows.findOne({ name, accountName }) !== null, model.some(isMeant));
        assert.deepEqual(
          sorted(rows.find({ accountName, name, size: { $lte: size } })),
          sorted(model.filter((row) => isMeant(row) && row.size <= size)),
        );
        switch (below(8)) {
          case 0:
            rows.remove(found);
            model = model.filter((row) => !isMeant(row));
            break;
          case 1:
            if (found[0] === undefined) break;
            model.splice(
              model.findIndex((row) => isMeant(row) && row.size === found[0]?.size),
              1,
            );
            rows.remove(found[0]);
            break;
          case 2:
            for (const row of found) rows.update(Object.assign(row, { name: String(size) }));
            model = model.map((row) => (isMeant(row) ? { ...row, name: String(size) } : row));
            break;
          case 3:
            // As after a restart.
            database.loadJSON(database.serialize());
            rows = database.getCollection('rows');
            break;
          default:
            rows.insert({ accountName, name, size });
            model.push({ accountName, name, size });
        }
      }
      rows.clear();
      assert.deepEqual(rows.find({ accountName: 'a0', name: '1' }), []);
    }
  });
});
