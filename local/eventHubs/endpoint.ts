// What the links of producers and consumers have in common, and what they need from the server.
import type { Socket } from 'node:net';
import type { Clock, Logger, Random } from '../../shared/base/index.js';
import type { WireError } from './amqpErrors.js';
import type { FaultSwitches } from './faults.js';
import type { Hub } from './hub.js';

export interface BrokerServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly faults: FaultSwitches;
  readonly maxMessageBytes: number;
  /** Aborted when the emulator stops. */
  readonly stopSignal: AbortSignal;
}

/** A link to an event hub that is open. */
export interface Endpoint {
  readonly hub: Hub;
  readonly socket: Socket;
  /** Detaches the link with this error. */
  close(error: WireError): void;
  /** The link is gone, whoever closed it. */
  released(): void;
  /** The connection can take bytes again. */
  drained(): void;
}

/** An attach is answered with an endpoint, or refused. */
export type Opened<Kind extends Endpoint> =
  | { readonly kind: 'open'; readonly endpoint: Kind }
  | { readonly kind: 'refused'; readonly error: WireError };
