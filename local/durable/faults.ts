// The fault mode: what the weaker of the real providers may do, done often. Client signals come twice and out of order, entity
// batches run again. (Durable contract, section 5.)
import { type Random, TributaryError } from '../../shared/base/index.js';

/** Probabilities, 0 to 1; default 0. */
export interface DurableFaults {
  /** A client's signal is delivered a second time, later. */
  readonly duplicateSignals?: number;
  /** A client's signal is held back while later ones pass it. */
  readonly delaySignals?: number;
  /** A batch of an entity runs again from the state before it, with what has arrived since: its first outcome is lost. */
  readonly rerunBatches?: number;
  /** The same, but what the first run signalled and answered is sent nevertheless, as on Azure Storage. */
  readonly rerunAfterSending?: number;
  /** How long signals are held back at most. Default 200. */
  readonly maxDelayMs?: number;
}

export interface SignalFault {
  /** When each copy is delivered; 0 is at once. */
  readonly delaysMs: readonly number[];
}

export type BatchFault = 'none' | 'rerun' | 'rerunAfterSending';

export class FaultSwitches {
  constructor(
    private readonly faults: DurableFaults,
    private readonly random: Random,
  ) {}

  nextSignal(): SignalFault {
    const { duplicateSignals = 0, delaySignals = 0 } = this.faults;
    const first = this.#happens(delaySignals) ? this.#delayMs() : 0;
    return { delaysMs: this.#happens(duplicateSignals) ? [first, this.#delayMs()] : [first] };
  }

  nextEntityBatch(): BatchFault {
    const { rerunBatches = 0, rerunAfterSending = 0 } = this.faults;
    if (this.#happens(rerunAfterSending)) return 'rerunAfterSending';
    return this.#happens(rerunBatches) ? 'rerun' : 'none';
  }

  #delayMs(): number {
    const { maxDelayMs = 200 } = this.faults;
    return 1 + Math.floor(this.random.next() * maxDelayMs);
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.random.next() < probability;
  }
}

const optionNames: Readonly<Record<string, keyof DurableFaults>> = {
  duplicate: 'duplicateSignals',
  delay: 'delaySignals',
  rerun: 'rerunBatches',
  'rerun-after-sending': 'rerunAfterSending',
  'max-delay-ms': 'maxDelayMs',
};

/**
 * `duplicate=0.2,delay=0.3,rerun=0.1`
 * @throws TributaryError CONFIG_INVALID
 */
export function parseFaults(text: string): DurableFaults {
  const faults: { -readonly [K in keyof DurableFaults]: number } = {};
  for (const part of text.split(',')) {
    const [name = '', value = ''] = part.split('=');
    const key = optionNames[name.trim()];
    const number = Number(value);
    const limit =
      key === 'maxDelayMs'
        ? Number.MAX_SAFE_INTEGER
        : key === 'duplicateSignals' || key === 'delaySignals'
          ? 1
          : 0.95;
    if (key === undefined || value.trim() === '' || !(number >= 0 && number <= limit)) {
      throw new TributaryError(
        'CONFIG_INVALID',
        `The Durable fault "${part}" is unknown or out of range. Known: ${Object.keys(optionNames).join(', ')}; ` +
          'e.g. "duplicate=0.2,delay=0.3,rerun=0.1" (reruns at most 0.95, or a batch would never end).',
      );
    }
    faults[key] = number;
  }
  return faults;
}
