// Pure. What one operation has to say about a device; it goes to the outbox only when all of the operation has succeeded.
import type { Alert } from '../alerts/index.js';
import type { ClosedBy } from '../windows/index.js';
import type { Device } from './device.js';
import { jsonBytesOf } from './limits.js';
import type { Outbox, RowKind } from './outbox.js';
import { encodeAlertRow, encodeLateRow, encodeWindowRow, type LateRow } from './rows.js';

/** With fifty metrics that is some 60 KB of rows. */
const windowsAtOnce = 8;

export class Emission {
  readonly #rows: { readonly kind: RowKind; readonly text: string }[] = [];
  #byteCount = 0;

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

  /**
   * Closes what is due, a few windows at a time, until their rows have filled the room; one reading, or the clock, may close hundreds.
   * @returns whether nothing is left, for which there was no room
   */
  windows({ id, windows }: Device, closedBy: ClosedBy, roomBytes: number): boolean {
    while (windows.isBehind) {
      if (this.#byteCount >= roomBytes) return false;
      for (const window of windows.closeDue(closedBy, windowsAtOnce)) {
        this.#add(
          'windows',
          encodeWindowRow({ device: id, closedAtMs: this.nowMs, layout: this.layout, window }),
        );
      }
    }
    return true;
  }

  alerts({ id }: Device, alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      const row = { device: id, atMs: this.nowMs, layout: this.layout, alert };
      this.#add('alerts', encodeAlertRow(row));
    }
  }

  late(
    { id, windows }: Device,
    reading: Omit<LateRow, 'device' | 'atMs' | 'layout' | 'watermarkMicros'>,
  ): void {
    const watermarkMicros = windows.watermarkMicros ?? reading.eventTimeMicros;
    const row = { device: id, atMs: this.nowMs, layout: this.layout, watermarkMicros, ...reading };
    this.#add('late', encodeLateRow(row));
  }

  #add(kind: RowKind, text: string): void {
    this.#rows.push({ kind, text });
    this.#byteCount += jsonBytesOf(text);
  }

  to(outbox: Outbox): void {
    for (const { kind, text } of this.#rows) outbox.add(kind, text);
  }
}
