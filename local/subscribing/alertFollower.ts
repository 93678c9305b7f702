// What `npm run subscribe` makes of the events it gets: lines, until there are enough of them or somebody wants it to end.
import { describeError } from '../../shared/base/index.js';
import type { Style } from '../terminal/index.js';
import { alertLine, readAlert, SeenIds } from './alertLines.js';
import { matchesDevice, type SubscribeOptions } from './subscribeArguments.js';

export interface FollowerOptions {
  readonly options: Pick<SubscribeOptions, 'device' | 'count' | 'json'>;
  readonly style: Style;
  readonly write: (line: string) => void;
  /** For what is no alert. */
  readonly complain: (line: string) => void;
}

export class AlertFollower {
  /** Rejects when it cannot go on. */
  readonly ended: Promise<void>;
  readonly #follower: FollowerOptions;
  readonly #seen = new SeenIds();
  #shown = 0;
  #lastComplaint = '';
  #end: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(follower: FollowerOptions) {
    this.#follower = follower;
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
  }

  end(): void {
    this.#end();
  }

  fail(error: unknown): void {
    this.#fail(error);
  }

  show(body: unknown): void {
    const { options, style, write, complain } = this.#follower;
    if (this.#shown === options.count) return;
    const received = readAlert(Buffer.isBuffer(body) ? body.toString('utf8') : body);
    if (received.kind === 'unreadable') {
      complain(`An event of the hub is left out: ${received.reason}.`);
      return;
    }
    const { event } = received;
    if (!matchesDevice(options.device, event.subject) || !this.#seen.add(event.id)) return;
    write(options.json ? JSON.stringify(event) : alertLine(event, style));
    this.#shown += 1;
    if (this.#shown === options.count) this.#end();
  }

  /** The client goes on trying; each problem is told once. */
  disturbed(error: unknown): void {
    const complaint = `The connection to the hub is disturbed: ${describeError(error)}`;
    if (complaint === this.#lastComplaint) return;
    this.#lastComplaint = complaint;
    this.#follower.complain(complaint);
  }
}
