// Pure. What a person wants to know of a table at a glance.
import type { Snapshot } from '../delta/index.js';

export interface TableSummary {
  readonly name: string;
  readonly version: number;
  /** null when a file carries no row count. */
  readonly rows: number | null;
  readonly files: number;
  readonly bytes: number;
  /** Committed application transaction versions, e.g. `ingest/sensor-data/0` -> last sequence number. */
  readonly transactions: Readonly<Record<string, number>>;
}

export function summarizeTable(name: string, snapshot: Snapshot): TableSummary {
  return {
    name,
    version: snapshot.version,
    rows: snapshot.totalRows ?? null,
    files: snapshot.files.size,
    bytes: snapshot.totalBytes,
    transactions: Object.fromEntries([...snapshot.transactions].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
