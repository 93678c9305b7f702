// What became of a batch, written down once before it is committed: from then on nothing depends on the input files any more.
import { TributaryError } from '../../base/index.js';
import type { StagedFile } from '../../delta/index.js';
import type { DataField } from '../../parquet/index.js';
import type { ObjectStore } from '../../storage/index.js';
import type { FinishedFile } from '../ledger/index.js';

export interface BatchOutcome {
  readonly format: 1;
  readonly stream: string;
  readonly batch: number;
  readonly plannedMs: number;
  /** All of the table with this batch. */
  readonly columns: readonly DataField[];
  /** Whether `columns` differs from what the table had. */
  readonly changesSchema: boolean;
  readonly files: readonly FinishedFile[];
  readonly rows: readonly StagedFile[];
  readonly badRows: readonly StagedFile[];
}

export class OutcomeStore {
  constructor(
    private readonly lake: ObjectStore,
    private readonly stream: string,
  ) {}

  async read(batch: number): Promise<BatchOutcome | undefined> {
    const bytes = await this.lake.read(this.pathOf(batch));
    return bytes === undefined ? undefined : parseOutcome(bytes, this.pathOf(batch));
  }

  /** The first one counts; all others' data files are orphans. @returns the one that counts */
  async settle(outcome: BatchOutcome): Promise<BatchOutcome> {
    const bytes = new TextEncoder().encode(JSON.stringify(outcome));
    await this.lake.putIfAbsent(this.pathOf(outcome.batch), bytes);
    return (await this.read(outcome.batch)) ?? outcome;
  }

  /** Beside the table, for people who want to know when a column came. Numbered by the batch that brought it. */
  async noteSchema({ batch, plannedMs, columns }: BatchOutcome): Promise<void> {
    const text = `${JSON.stringify({ batch, plannedMs, columns }, null, 2)}\n`;
    await this.lake.putIfAbsent(`${this.#folder}/schemas/${batch}.json`, new TextEncoder().encode(text));
  }

  get #folder(): string {
    return `state/autoloader/${this.stream}`;
  }

  /** In the lake. */
  pathOf(batch: number): string {
    return `${this.#folder}/${batch}.json`;
  }
}

function parseOutcome(bytes: Uint8Array, path: string): BatchOutcome {
  let outcome: Partial<BatchOutcome> | undefined;
  try {
    outcome = JSON.parse(new TextDecoder().decode(bytes)) as Partial<BatchOutcome>;
  } catch {
    // Reported below, as any other text that is no outcome.
  }
  if (outcome?.format === 1 && Array.isArray(outcome.files)) return outcome as BatchOutcome;
  throw new TributaryError(
    'FILE_LEDGER_MISMATCH',
    `${path} is not the record of a batch. Restore it: the files of the batch are not loaded otherwise.`,
  );
}
