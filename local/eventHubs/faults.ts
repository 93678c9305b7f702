// Fault switches: each makes a stated number of operations fail, so that a test decides exactly what goes wrong.
import type { WireError } from './amqpErrors.js';

export interface EmulatorFaults {
  /** Rejects the next sends without storing them. Default error: `com.microsoft:server-busy`. */
  refuseSends(fault: { readonly count: number; readonly error?: WireError }): void;
  /** Stores the next sends, and acknowledges them only after a delay. */
  delaySends(fault: { readonly count: number; readonly delayMs: number }): void;
  /** Stores the next sends, and drops the connection instead of acknowledging them. */
  loseAcknowledgements(fault: { readonly count: number }): void;
  /** Refuses the next receiver links. Default error: `com.microsoft:server-busy`. */
  refuseReceivers(fault: { readonly count: number; readonly error?: WireError }): void;
  /** Closes every receiver link now. Default error: `amqp:link:detach-forced`. @returns how many there were */
  detachReceivers(error?: WireError): number;
  /** Drops every connection now. @returns how many there were */
  dropConnections(): number;
  /** Takes back what is still outstanding. */
  clear(): void;
}

/** What happens to one send. */
export type SendFault =
  | { readonly kind: 'refuse'; readonly error: WireError }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'loseAcknowledgement' };

const serverBusy: WireError = {
  condition: 'com.microsoft:server-busy',
  description: 'The request was refused on purpose by a fault switch of the emulator.',
};

/** Hands out the faults one by one, in the order they were switched on. */
export class FaultSwitches {
  readonly #sends: SendFault[] = [];
  readonly #receivers: WireError[] = [];

  refuseSends(fault: { readonly count: number; readonly error?: WireError }): void {
    this.#addSends(fault.count, { kind: 'refuse', error: fault.error ?? serverBusy });
  }

  delaySends(fault: { readonly count: number; readonly delayMs: number }): void {
    this.#addSends(fault.count, { kind: 'delay', delayMs: fault.delayMs });
  }

  loseAcknowledgements(fault: { readonly count: number }): void {
    this.#addSends(fault.count, { kind: 'loseAcknowledgement' });
  }

  refuseReceivers(fault: { readonly count: number; readonly error?: WireError }): void {
    for (let index = 0; index < fault.count; index++) this.#receivers.push(fault.error ?? serverBusy);
  }

  clear(): void {
    this.#sends.length = 0;
    this.#receivers.length = 0;
  }

  takeSend(): SendFault | undefined {
    return this.#sends.shift();
  }

  takeReceiver(): WireError | undefined {
    return this.#receivers.shift();
  }

  #addSends(count: number, fault: SendFault): void {
    for (let index = 0; index < count; index++) this.#sends.push(fault);
  }
}
