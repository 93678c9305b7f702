// The hub's state in memory and its log on disk. A change is applied at once; what follows from it waits for the disk.
import { TributaryError } from '../../shared/base/index.js';
import { applyChange, snapshotOf } from './hubChanges.js';
import { type Change, emptyHub, type HubState } from './hubState.js';
import type { LogDisk } from './logDisk.js';
import { RecordLog } from './recordLog.js';

export interface HubStoreOptions {
  readonly disk: LogDisk;
  readonly compactAboveBytes?: number;
}

export class HubStore {
  /** Called with changes that are on disk by now. */
  onCommitted: (changes: readonly Change[]) => void = () => {};
  #isClosed = false;

  private constructor(
    readonly hub: HubState,
    private readonly log: RecordLog<readonly Change[]>,
  ) {}

  /** @throws TributaryError LOCAL_STATE_MISMATCH */
  static async open({ disk, compactAboveBytes }: HubStoreOptions): Promise<HubStore> {
    const hub = emptyHub();
    const log = await RecordLog.open<readonly Change[]>({
      disk,
      replay: (changes) => {
        for (const change of changes) applyChange(hub, change);
      },
      *snapshot() {
        for (const change of snapshotOf(hub)) yield [change];
      },
      ...(compactAboveBytes === undefined ? {} : { compactAboveBytes }),
    });
    return new HubStore(hub, log);
  }

  /**
   * All of the changes, or none after a crash. Resolves when they are on disk.
   * @throws TributaryError LOCAL_SERVICE_ENDED when that fails, or the store is closed
   */
  async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    if (this.#isClosed) {
      throw new TributaryError('LOCAL_SERVICE_ENDED', 'The Durable backend has been stopped.');
    }
    // Encoded before it is applied: an inbox or history that grows in place must not grow inside the record.
    const written = this.log.append(changes);
    for (const change of changes) applyChange(this.hub, change);
    await written;
    this.onCommitted(changes);
  }

  /** What a caller is told must survive a crash: resolves when all that is in memory is on disk. */
  settled(): Promise<void> {
    return this.log.settled();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.log.close();
  }
}
