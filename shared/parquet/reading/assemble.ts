// Pure. Definition and repetition levels back to structs, lists and maps in columnar form (Dremel record assembly, done
// for a whole column at once).
import type { DataValues } from '../columns.js';
import { damagedPage } from './byteReader.js';
import type { LevelledValues } from './levels.js';
import { type LeafNode, leavesOf, type TreeNode } from './schemaTree.js';

export type LeafValues = LevelledValues<DataValues>;

/** Where values stand: inside `repetition` lists, of which the innermost has an element from `definition` on. */
interface Place {
  readonly repetition: number;
  readonly definition: number;
}

interface Assembled {
  readonly values: DataValues;
  /** Entries, null ones included. */
  readonly count: number;
}

/** @param leaves the values of every leaf below `node` */
export function assembleColumn(
  node: TreeNode,
  leaves: ReadonlyMap<LeafNode, LeafValues>,
  rowCount: number,
): DataValues {
  const { values, count } = assemble(node, { repetition: 0, definition: 0 }, leaves);
  expectCount(count, rowCount);
  return values;
}

function expectCount(count: number, expected: number): void {
  if (count !== expected) throw damagedPage(`levels describe ${count} entries instead of ${expected}`);
}

function assemble(node: TreeNode, place: Place, leaves: ReadonlyMap<LeafNode, LeafValues>): Assembled {
  switch (node.kind) {
    case 'leaf':
      return assembleLeaf(node, place, leaves.get(node)!);
    case 'struct': {
      const { validity, count } = presence(node.definition, place, levelsBelow(node, leaves));
      const children = node.children.map((child) => {
        const assembled = assemble(child, place, leaves);
        expectCount(assembled.count, count);
        return assembled.values;
      });
      return { values: { kind: 'struct', children, ...(validity && { validity }) }, count };
    }
    case 'list': {
      const lists = assembleOffsets(node, place, levelsBelow(node, leaves));
      const element = assemble(node.element, inside(node, place), leaves);
      expectCount(element.count, lists.elementCount);
      const { validity, offsets, count } = lists;
      return {
        values: { kind: 'list', offsets, element: element.values, ...(validity && { validity }) },
        count,
      };
    }
    case 'map': {
      const lists = assembleOffsets(node, place, levelsBelow(node, leaves));
      const keys = assemble(node.key, inside(node, place), leaves);
      const values = assemble(node.value, inside(node, place), leaves);
      expectCount(keys.count, lists.elementCount);
      expectCount(values.count, lists.elementCount);
      const { validity, offsets, count } = lists;
      return {
        values: {
          kind: 'map',
          offsets,
          keys: keys.values,
          values: values.values,
          ...(validity && { validity }),
        },
        count,
      };
    }
    case 'unsupported':
      throw new Error(`${node.name} cannot be read`);
  }
}

function inside(node: { readonly elementDefinition: number }, place: Place): Place {
  return { repetition: place.repetition + 1, definition: node.elementDefinition };
}

/** Any leaf tells about its ancestors; the first one does. */
function levelsBelow(node: TreeNode, leaves: ReadonlyMap<LeafNode, LeafValues>): LeafValues {
  return leaves.get(leavesOf(node)[0]!)!;
}

function assembleLeaf(node: LeafNode, place: Place, leaf: LeafValues): Assembled {
  const { validity, count } = presence(node.definition, place, leaf);
  if (validity !== undefined) leaf.sink.spread(validity, 0, count, leaf.presentCount);
  else expectCount(leaf.presentCount, count);
  return { values: leaf.sink.finish(validity), count };
}

/** The entries of a place, and which of them are there; `validity` undefined: all. */
function presence(
  definition: number,
  place: Place,
  leaf: LeafValues,
): { readonly validity: Uint8Array | undefined; readonly count: number } {
  const validity = new Uint8Array(leaf.count);
  const { definition: definitions, repetition: repetitions } = leaf;
  let count = 0;
  let present = 0;
  for (let index = 0; index < leaf.count; index++) {
    if (definitions[index]! < place.definition) continue;
    if (repetitions !== undefined && repetitions[index]! > place.repetition) continue;
    const isPresent = definitions[index]! >= definition ? 1 : 0;
    validity[count++] = isPresent;
    present += isPresent;
  }
  return { validity: present === count ? undefined : validity, count };
}

interface Lists {
  readonly validity: Uint8Array | undefined;
  readonly offsets: Int32Array;
  readonly count: number;
  readonly elementCount: number;
}

function assembleOffsets(
  node: { readonly definition: number; readonly elementDefinition: number },
  place: Place,
  leaf: LeafValues,
): Lists {
  const { definition: definitions, repetition: repetitions } = leaf;
  if (repetitions === undefined) throw new Error('a leaf in a list has repetition levels');
  const validity = new Uint8Array(leaf.count);
  const offsets = new Int32Array(leaf.count + 1);
  let count = 0;
  let present = 0;
  let elementCount = 0;
  for (let index = 0; index < leaf.count; index++) {
    const definition = definitions[index]!;
    const repetition = repetitions[index]!;
    if (definition < place.definition || repetition > place.repetition + 1) continue;
    if (repetition <= place.repetition) {
      const isPresent = definition >= node.definition ? 1 : 0;
      offsets[count] = elementCount;
      validity[count++] = isPresent;
      present += isPresent;
    } else if (count === 0) {
      throw damagedPage('a list goes on before it begins');
    }
    if (definition >= node.elementDefinition) elementCount += 1;
    offsets[count] = elementCount;
  }
  return {
    validity: present === count ? undefined : validity,
    offsets: offsets.subarray(0, count + 1),
    count,
    elementCount,
  };
}
