// Pure. Results on their way out: they wait, are sealed as a numbered batch that stays the same until it is acknowledged, and go.
import { jsonBytesOf } from './limits.js';

/** Texts as rows.ts writes them. */
export interface OutboxRows {
  readonly alerts: readonly string[];
  readonly failed: readonly string[];
  readonly late: readonly string[];
  readonly windows: readonly string[];
}

export type RowKind = keyof OutboxRows;

/** In the order in which they leave: the most urgent first. */
export const rowKinds: readonly RowKind[] = ['alerts', 'failed', 'late', 'windows'];

interface Seal {
  readonly number: number;
  /** Milliseconds; absent in states from before it was kept. */
  readonly atMs?: number;
  /** How many of each kind, from the front. */
  readonly counts: Readonly<Record<RowKind, number>>;
  /** Ids of devices whose latest state goes with it. */
  readonly devices: readonly string[];
}

export interface SealLimits {
  readonly nowMs: number;
  readonly maxRows: number;
  /** Characters of the rows; one larger row still goes. */
  readonly maxBytes: number;
  /** Other kinds wait. */
  readonly onlyAlerts: boolean;
}

export interface OutboxState {
  readonly rows: OutboxRows;
  readonly next: number;
  readonly seal: Seal | null;
}

export class Outbox {
  readonly #rows: Record<RowKind, string[]>;
  /** Of the next seal. */
  #next: number;
  #seal: Seal | null;
  #byteCount = 0;

  constructor(state?: OutboxState) {
    const rows = state?.rows;
    this.#rows = {
      alerts: [...(rows?.alerts ?? [])],
      failed: [...(rows?.failed ?? [])],
      late: [...(rows?.late ?? [])],
      windows: [...(rows?.windows ?? [])],
    };
    for (const kind of rowKinds) for (const row of this.#rows[kind]) this.#byteCount += jsonBytesOf(row);
    this.#next = state?.next ?? 0;
    this.#seal = state?.seal ?? null;
  }

  encode(): OutboxState {
    return { rows: this.#rows, next: this.#next, seal: this.#seal };
  }

  get rowCount(): number {
    return rowKinds.reduce((sum, kind) => sum + this.#rows[kind].length, 0);
  }

  /** Of the rows in the state's JSON. */
  get byteCount(): number {
    return this.#byteCount;
  }

  get sealed(): Seal | null {
    return this.#seal;
  }

  add(kind: RowKind, row: string): void {
    this.#rows[kind].push(row);
    this.#byteCount += jsonBytesOf(row);
  }

  /** Whether rows wait that are not sealed. */
  get hasMore(): boolean {
    const { counts } = this.#seal ?? {};
    return rowKinds.some((kind) => this.#rows[kind].length > (counts?.[kind] ?? 0));
  }

  /** Seals unless there is a sealed batch already, or nothing to seal. */
  seal(limits: SealLimits, devices: () => readonly string[]): void {
    if (this.#seal !== null) return;
    const counts = this.#countsWithin(limits);
    const latest = devices();
    if (latest.length === 0 && rowKinds.every((kind) => counts[kind] === 0)) return;
    this.#seal = { number: this.#next++, atMs: limits.nowMs, counts, devices: latest };
  }

  sealedRows(): OutboxRows {
    const { counts } = this.#seal ?? {};
    const take = (kind: RowKind) => this.#rows[kind].slice(0, counts?.[kind] ?? 0);
    return { alerts: take('alerts'), failed: take('failed'), late: take('late'), windows: take('windows') };
  }

  /** Of a batch that is not sealed, or no longer, nothing is changed. @returns whether it was */
  acknowledge(number: number): boolean {
    if (this.#seal?.number !== number) return false;
    for (const kind of rowKinds) {
      for (const row of this.#rows[kind].splice(0, this.#seal.counts[kind]))
        this.#byteCount -= jsonBytesOf(row);
    }
    this.#seal = null;
    return true;
  }

  #countsWithin({ maxRows, maxBytes, onlyAlerts }: SealLimits): Record<RowKind, number> {
    const counts: Record<RowKind, number> = { alerts: 0, failed: 0, late: 0, windows: 0 };
    let rows = 0;
    let bytes = 0;
    for (const kind of onlyAlerts ? rowKinds.slice(0, 1) : rowKinds) {
      for (const row of this.#rows[kind]) {
        if (rows > 0 && (rows === maxRows || bytes + row.length > maxBytes)) return counts;
        counts[kind]++;
        rows++;
        bytes += row.length;
      }
    }
    return counts;
  }
}
