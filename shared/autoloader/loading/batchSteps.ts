// Pure. The way of one batch from its plan to its commit, as calls that an orchestration or a loop carries out.
import type { DataField } from '../../parquet/index.js';
import type { WaitingFile } from '../ledger/index.js';
import type { FoundFields } from '../staging/scanGroup.js';
import type { StagedGroup } from '../staging/stageGroup.js';

/** A planned batch, with the table as it was then. */
export interface BatchToLoad {
  readonly batch: number;
  readonly plannedMs: number;
  readonly groups: readonly (readonly WaitingFile[])[];
  /** Of the table, and what the hints add; empty when there is no table. */
  readonly columns: readonly DataField[];
  /** Whether the table has no columns for records yet: the first files decide on them. */
  readonly isFirst: boolean;
}

type Staged = Extract<StagedGroup, { readonly kind: 'staged' }>;

export interface ScanInput {
  readonly columns: readonly DataField[];
  readonly files: readonly WaitingFile[];
}

export interface EvolveInput {
  readonly columns: readonly DataField[];
  readonly found: readonly FoundFields[];
}

export interface StageInput extends ScanInput {
  readonly batch: number;
  readonly plannedMs: number;
  /** True once the files have been scanned for these columns. */
  readonly isFinal: boolean;
}

export interface CommitInput {
  readonly batch: number;
  readonly plannedMs: number;
  readonly columns: readonly DataField[];
  readonly changesSchema: boolean;
  readonly groups: readonly {
    readonly files: readonly WaitingFile[];
    readonly staged: Staged;
  }[];
}

/** What a batch has come to. */
export interface LoadedBatch {
  readonly batch: number;
  readonly version: number;
  readonly fileCount: number;
  readonly rowCount: number;
  readonly badCount: number;
}

/** Calls that may run at the same time; each result belongs to the input at its place. */
export type StepCall =
  | { readonly step: 'scan'; readonly inputs: readonly ScanInput[] }
  | { readonly step: 'evolve'; readonly inputs: readonly EvolveInput[] }
  | { readonly step: 'stage'; readonly inputs: readonly StageInput[] }
  | { readonly step: 'commit'; readonly inputs: readonly CommitInput[] };

export type StepResults = readonly unknown[];

/**
 * Files are staged with the columns that the table has. Where these do not suffice, the rest of the files is scanned, the columns
 * grow by what was found, and the groups are staged again. Without a table everything is scanned first.
 */
export function* batchSteps(plan: BatchToLoad): Generator<StepCall, LoadedBatch, StepResults> {
  const { batch, plannedMs, groups } = plan;
  const isFirst = plan.isFirst;
  const staged = new Map<number, Staged>();
  let columns = isFirst ? yield* grownColumns(plan.columns, groups) : plan.columns;
  for (let isFinal = isFirst; ; isFinal = true) {
    const open = [...groups.keys()].filter((index) => !staged.has(index));
    const inputs = open.map((index) => ({ batch, plannedMs, columns, isFinal, files: groups[index]! }));
    const results = (yield { step: 'stage', inputs }) as readonly StagedGroup[];
    const outgrown: (readonly WaitingFile[])[] = [];
    for (const [at, index] of open.entries()) {
      const result = results[at]!;
      if (result.kind === 'staged') staged.set(index, result);
      else outgrown.push(groups[index]!.slice(result.fromFile));
    }
    if (outgrown.length === 0) break;
    columns = yield* grownColumns(columns, outgrown);
  }
  const changesSchema = JSON.stringify(columns) !== JSON.stringify(plan.columns);
  const all = groups.map((files, index) => ({ files, staged: staged.get(index)! }));
  const inputs = [{ batch, plannedMs, columns, changesSchema, groups: all }];
  const [loaded] = (yield { step: 'commit', inputs }) as readonly [LoadedBatch];
  return loaded;
}

/** What the files hold besides becomes columns, as far as the stream's mode allows. */
function* grownColumns(
  columns: readonly DataField[],
  groups: readonly (readonly WaitingFile[])[],
): Generator<StepCall, readonly DataField[], StepResults> {
  const scans = groups.map((files) => ({ columns, files }));
  const found = (yield { step: 'scan', inputs: scans }) as readonly FoundFields[];
  const [evolved] = (yield { step: 'evolve', inputs: [{ columns, found }] }) as readonly [
    readonly DataField[],
  ];
  return evolved;
}
