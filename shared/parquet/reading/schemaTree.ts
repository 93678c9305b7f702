// The footer's flat list of schema elements as a tree of columns, with the levels at which each part exists
// (Dremel encoding). Lists and maps are told apart by the rules of parquet-format's LogicalTypes.md, old forms included.
import type { SchemaElement } from 'hyparquet';
import type { ColumnType, DataField, DataType, DecimalType } from '../columns.js';
import { damagedPage } from './byteReader.js';
import { type StoredForm, storedTypeOf } from './storedTypes.js';

interface CommonNode {
  readonly name: string;
  readonly id: number | undefined;
  readonly nullable: boolean;
  /** Definition level from which on this node is not null. */
  readonly definition: number;
}

export interface LeafNode extends CommonNode {
  readonly kind: 'leaf';
  readonly type: ColumnType | DecimalType;
  readonly physicalType: SchemaElement['type'];
  readonly form: StoredForm;
  /** Bytes of each value of a FIXED_LEN_BYTE_ARRAY. */
  readonly fixedLength: number | undefined;
  readonly leafIndex: number;
  readonly maxRepetition: number;
  /** Names from the root on, as in the column chunk's `path_in_schema`. */
  readonly path: readonly string[];
}

export interface StructNode extends CommonNode {
  readonly kind: 'struct';
  readonly children: readonly TreeNode[];
}

export interface ListNode extends CommonNode {
  readonly kind: 'list';
  /** Definition level from which on the list has an element. */
  readonly elementDefinition: number;
  readonly element: TreeNode;
}

export interface MapNode extends CommonNode {
  readonly kind: 'map';
  readonly elementDefinition: number;
  readonly key: TreeNode;
  readonly value: TreeNode;
}

/** What cannot be read, and why. */
export interface UnsupportedNode extends CommonNode {
  readonly kind: 'unsupported';
  readonly reason: string;
  /** A leaf that holds nothing but nulls, by its annotation. */
  readonly isAllNull: boolean;
}

export type TreeNode = LeafNode | StructNode | ListNode | MapNode | UnsupportedNode;

/** Levels of the place where a node stands. */
interface Levels {
  readonly definition: number;
  readonly repetition: number;
}

/** More levels than any table has; deeper ones come from damage, and would exhaust the stack. */
const maxDepth = 100;

class TreeBuilder {
  #position = 1;
  #leafIndex = 0;

  constructor(private readonly elements: readonly SchemaElement[]) {}

  columns(): TreeNode[] {
    const count = this.elements[0]?.num_children ?? 0;
    const columns = this.#children(count, [], { definition: 0, repetition: 0 });
    // Columns that nobody announces would be missing, and read as null.
    if (this.#position < this.elements.length)
      throw damagedPage('the schema has more columns than it announces');
    return columns;
  }

  #children(count: number, path: readonly string[], levels: Levels): TreeNode[] {
    if (path.length > maxDepth) throw damagedPage('the schema is nested too deeply');
    return Array.from({ length: count }, () => this.#node(path, levels));
  }

  #peek(): SchemaElement {
    const element = this.elements[this.#position];
    if (element === undefined) throw damagedPage('the schema announces more columns than it has');
    return element;
  }

  #take(): SchemaElement {
    const element = this.#peek();
    this.#position += 1;
    return element;
  }

  #node(parentPath: readonly string[], levels: Levels): TreeNode {
    const element = this.#peek();
    if (element.repetition_type === 'REPEATED') return this.#bareList(parentPath, levels);
    return this.#single(parentPath, levels);
  }

  /** A repeated field without LIST around it: a list that is never null, of elements that are never null. */
  #bareList(parentPath: readonly string[], levels: Levels): ListNode {
    const { name, field_id: id } = this.#peek();
    const inside = { definition: levels.definition + 1, repetition: levels.repetition + 1 };
    return {
      kind: 'list',
      name: textOf(name),
      id,
      nullable: false,
      definition: levels.definition,
      elementDefinition: inside.definition,
      element: this.#single(parentPath, inside),
    };
  }

  /** A field that stands for one value; a repeated one is seen here as its own element. */
  #single(parentPath: readonly string[], levels: Levels): TreeNode {
    const element = this.#take();
    if (element.repetition_type === undefined) throw damagedPage('a column is neither required nor optional');
    const nullable = element.repetition_type === 'OPTIONAL';
    const definition = levels.definition + (nullable ? 1 : 0);
    const path = [...parentPath, textOf(element.name)];
    const common = { name: textOf(element.name), id: element.field_id, nullable, definition };
    const inside = { definition, repetition: levels.repetition };
    const childCount = element.num_children ?? 0;
    if (childCount === 0 && element.type !== undefined) return this.#leaf(element, common, path, inside);
    const annotation = element.logical_type?.type ?? element.converted_type;
    const isGroupOfOne = childCount === 1 && this.#peek().repetition_type === 'REPEATED';
    if (annotation === 'LIST' && isGroupOfOne) return this.#list(common, path, inside);
    if ((annotation === 'MAP' || annotation === 'MAP_KEY_VALUE') && isGroupOfOne) {
      return this.#map(common, path, inside);
    }
    const children = this.#children(childCount, path, inside);
    if (annotation === undefined) return { kind: 'struct', ...common, children };
    return unsupported(common, `a group as ${annotation} has no column type`);
  }

  #leaf(element: SchemaElement, common: CommonNode, path: readonly string[], levels: Levels): TreeNode {
    const leafIndex = this.#leafIndex++;
    const stored = storedTypeOf(element);
    if (stored === undefined) {
      const annotation = element.logical_type?.type ?? element.converted_type;
      const reason = `${element.type}${annotation === undefined ? '' : ` as ${annotation}`} has no column type`;
      return { ...unsupported(common, reason), isAllNull: common.nullable && annotation === 'NULL' };
    }
    const [type, form] = stored;
    const fixedLength = element.type === 'FIXED_LEN_BYTE_ARRAY' ? element.type_length : undefined;
    if (element.type === 'FIXED_LEN_BYTE_ARRAY' && !(fixedLength !== undefined && fixedLength >= 0)) {
      throw damagedPage(`column "${path.join('.')}" has no length`);
    }
    return {
      kind: 'leaf',
      ...common,
      type,
      physicalType: element.type,
      form,
      fixedLength,
      leafIndex,
      maxRepetition: levels.repetition,
      path,
    };
  }

  #list(common: CommonNode, path: readonly string[], levels: Levels): ListNode {
    const inside = { definition: levels.definition + 1, repetition: levels.repetition + 1 };
    const element = this.#isElementItself(common.name)
      ? this.#single(path, inside)
      : this.#wrapped(path, inside);
    return { kind: 'list', ...common, elementDefinition: inside.definition, element };
  }

  /** LogicalTypes.md, "Backward-compatibility rules": whether the repeated field is the element, or only wraps it. */
  #isElementItself(listName: string): boolean {
    const repeated = this.#peek();
    const childCount = repeated.num_children ?? 0;
    if (childCount !== 1) return true;
    if (this.elements[this.#position + 1]?.repetition_type === 'REPEATED') return true;
    return repeated.name === 'array' || repeated.name === `${listName}_tuple`;
  }

  #wrapped(path: readonly string[], levels: Levels): TreeNode {
    const wrapper = this.#take();
    return this.#node([...path, textOf(wrapper.name)], levels);
  }

  #map(common: CommonNode, path: readonly string[], levels: Levels): TreeNode {
    const entry = this.#take();
    const inside = { definition: levels.definition + 1, repetition: levels.repetition + 1 };
    const children = this.#children(entry.num_children ?? 0, [...path, textOf(entry.name)], inside);
    const [key, value] = children;
    if (children.length !== 2 || key === undefined || value === undefined) {
      return unsupported(common, 'its map entries are not a key and a value');
    }
    return { kind: 'map', ...common, elementDefinition: inside.definition, key, value };
  }
}

function unsupported(common: CommonNode, reason: string): UnsupportedNode {
  return { kind: 'unsupported', ...common, reason, isAllNull: false };
}

function textOf(name: unknown): string {
  if (typeof name !== 'string') throw damagedPage('a column has no name');
  return name;
}

/** The file's top-level columns in order. Throws PARQUET_INVALID for a schema that is no tree. */
export function buildSchemaTree(elements: readonly SchemaElement[]): TreeNode[] {
  return new TreeBuilder(elements).columns();
}

/** The leaves below a node, in file order. */
export function leavesOf(node: TreeNode): LeafNode[] {
  switch (node.kind) {
    case 'leaf':
      return [node];
    case 'struct':
      return node.children.flatMap(leavesOf);
    case 'list':
      return leavesOf(node.element);
    case 'map':
      return [...leavesOf(node.key), ...leavesOf(node.value)];
    case 'unsupported':
      return [];
  }
}

/** The first part that cannot be read, with the path to it. */
export function findUnsupported(
  node: TreeNode,
): { readonly path: string; readonly reason: string } | undefined {
  if (node.kind === 'unsupported') return { path: node.name, reason: node.reason };
  const children =
    node.kind === 'struct'
      ? node.children
      : node.kind === 'list'
        ? [node.element]
        : node.kind === 'map'
          ? [node.key, node.value]
          : [];
  for (const child of children) {
    const found = findUnsupported(child);
    if (found !== undefined) return { path: `${node.name}.${found.path}`, reason: found.reason };
  }
  return undefined;
}

/** The node as a field of a batch. Unsupported parts must have been ruled out. */
export function fieldOf(node: TreeNode): DataField {
  const { name, nullable, id } = node;
  return { name, nullable, type: typeOf(node), ...(id === undefined ? {} : { id }) };
}

function typeOf(node: TreeNode): DataType {
  switch (node.kind) {
    case 'leaf':
      return node.type;
    case 'struct':
      return { kind: 'struct', fields: node.children.map(fieldOf) };
    case 'list':
      return { kind: 'list', element: fieldOf(node.element) };
    case 'map':
      return { kind: 'map', key: fieldOf(node.key), value: fieldOf(node.value) };
    case 'unsupported':
      throw new Error(`${node.name} cannot be read`);
  }
}
