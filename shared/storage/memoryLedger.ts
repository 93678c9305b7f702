// A ledger in memory, for tests and benchmarks.
import type {
  Ledger,
  LedgerChange,
  LedgerChangeResult,
  LedgerKey,
  LedgerRange,
  LedgerRow,
} from './ledger.js';
import { assertLedgerChanges, assertLedgerKeyPart } from './ledgerKey.js';

class MemoryLedger implements Ledger {
  readonly #partitions = new Map<string, Map<string, LedgerRow>>();
  #writes = 0;

  async get({ partition, row }: LedgerKey): Promise<LedgerRow | undefined> {
    assertLedgerKeyPart(partition);
    assertLedgerKeyPart(row);
    return this.#partitions.get(partition)?.get(row);
  }

  async *list({ partition, rowFrom, rowBefore }: LedgerRange): AsyncIterable<LedgerRow> {
    assertLedgerKeyPart(partition);
    const rows = this.#partitions.get(partition);
    for (const key of [...(rows?.keys() ?? [])].sort()) {
      if (rowFrom !== undefined && key < rowFrom) continue;
      if (rowBefore !== undefined && key >= rowBefore) return;
      const row = rows?.get(key);
      if (row !== undefined) yield row;
    }
  }

  async change(partition: string, changes: readonly LedgerChange[]): Promise<LedgerChangeResult> {
    assertLedgerChanges(partition, changes);
    const rows = this.#partitions.get(partition) ?? new Map<string, LedgerRow>();
    const failing = changes.find((change) => !conditionHolds(change, rows.get(change.row)));
    if (failing !== undefined) return { kind: 'conflict', row: failing.row };
    this.#partitions.set(partition, rows);
    for (const change of changes) this.#apply(partition, rows, change);
    return { kind: 'changed' };
  }

  #apply(partition: string, rows: Map<string, LedgerRow>, change: LedgerChange): void {
    const { row } = change;
    if (change.kind === 'remove') rows.delete(row);
    else rows.set(row, { partition, row, values: { ...change.values }, version: String(++this.#writes) });
  }
}

function conditionHolds(change: LedgerChange, current: LedgerRow | undefined): boolean {
  if (change.kind === 'put') return true;
  if (change.kind === 'insert') return current === undefined;
  return current !== undefined && (change.kind === 'remove' || change.version === current.version);
}

export function createMemoryLedger(): Ledger {
  return new MemoryLedger();
}
