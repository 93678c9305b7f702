// Pure. All paths of a pipeline, compiled: a reading's keys are walked once and each value lands in its slot.
import { type ParsedPath, parseSourcePath, type SourcePath } from '../pipeline/index.js';

/** A key of a reading that some path goes through or ends at; it can be both, as `battery` and `battery.level`. */
export interface PathNode {
  /** -1 when no path ends here. */
  readonly slot: number;
  readonly children: ReadonlyMap<string, PathNode>;
}

export interface CompiledPaths {
  readonly root: PathNode;
  /** For each list of paths, the slots of its paths in order of preference. */
  readonly slots: readonly (readonly number[])[];
  /** By slot: the path as the user wrote it. */
  readonly labels: readonly SourcePath[];
  /** By slot, for the slots that a body fills: the keys that lead to it. */
  readonly bodyPaths: readonly (readonly string[])[];
  /** The slots after those: filled once per event. */
  readonly brokerPaths: readonly Exclude<ParsedPath, { kind: 'body' }>[];
}

interface GrowingNode {
  slot: number;
  readonly children: Map<string, GrowingNode>;
}

/** @param lists one per column; no place occurs twice (`definePipeline` sees to it) */
export function compilePaths(lists: readonly (readonly SourcePath[])[]): CompiledPaths {
  const root: GrowingNode = { slot: -1, children: new Map() };
  const bodyPaths: (readonly string[])[] = [];
  const brokerPaths: Exclude<ParsedPath, { kind: 'body' }>[] = [];
  const bodyLabels: SourcePath[] = [];
  const brokerLabels: SourcePath[] = [];
  const slotOf = new Map<SourcePath, number>();
  for (const label of lists.flat()) {
    const path = parseSourcePath(label);
    if (path.kind === 'body') {
      slotOf.set(label, bodyPaths.length);
      nodeAt(root, path.segments).slot = bodyPaths.push(path.segments) - 1;
      bodyLabels.push(label);
    } else {
      // Numbered from -1 down until the number of body slots is known.
      slotOf.set(label, -brokerPaths.push(path));
      brokerLabels.push(label);
    }
  }
  const slots = lists.map((list) => list.map((label) => finalSlot(slotOf.get(label)!, bodyPaths.length)));
  return { root, slots, labels: [...bodyLabels, ...brokerLabels], bodyPaths, brokerPaths };
}

function finalSlot(slot: number, bodySlotCount: number): number {
  return slot < 0 ? bodySlotCount - slot - 1 : slot;
}

function nodeAt(root: GrowingNode, segments: readonly string[]): GrowingNode {
  let node = root;
  for (const segment of segments) {
    let child = node.children.get(segment);
    if (child === undefined) {
      child = { slot: -1, children: new Map() };
      node.children.set(segment, child);
    }
    node = child;
  }
  return node;
}
