// Pure. What one operation has to say about a device; it goes to the outbox only when all of the operation has succeeded.
import type { Alert } from '../alerts/index.js';
import type { ClosedBy } from '../windows/index.js';
import type { Device } from './device.js';
import type { Outbox, RowKind } from './outbox.js';
import { encodeAlertRow, encodeLateRow, encodeWindowRow, type LateRow } from './rows.js';

export class Emission {
  readonly #rows: { readonly kind: RowKind; readonly text: string }[] = [];

  constructor(
    private readonly layout: number,
    private readonly nowMs: number,
  ) {}

  get lateCount(): number {
    return this.#rows.filter(({ kind }) => kind === 'late').length;
  }

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  /** Closes what is due. */
  windows({ id, windows }: Device, closedBy: ClosedBy): void {
    for (const window of windows.closeDue(closedBy)) {
      const row = { device: id, closedAtMs: this.nowMs, layout: this.layout, window };
      this.#rows.push({ kind: 'windows', text: encodeWindowRow(row) });
    }
  }

  alerts({ id }: Device, alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      const row = { device: id, atMs: this.nowMs, layout: this.layout, alert };
      this.#rows.push({ kind: 'alerts', text: encodeAlertRow(row) });
    }
  }

  late(
    { id, windows }: Device,
    reading: Omit<LateRow, 'device' | 'atMs' | 'layout' | 'watermarkMicros'>,
  ): void {
    const watermarkMicros = windows.watermarkMicros ?? reading.eventTimeMicros;
    const row = { device: id, atMs: this.nowMs, layout: this.layout, watermarkMicros, ...reading };
    this.#rows.push({ kind: 'late', text: encodeLateRow(row) });
  }

  to(outbox: Outbox): void {
    for (const { kind, text } of this.#rows) outbox.add(kind, text);
  }
}
