// The parts of rhea (the AMQP 1.0 library) that the emulator uses and rhea's own typings leave out.
import type { Socket } from 'node:net';
import rhea, {
  type Connection,
  type Delivery,
  type EventContext,
  type Receiver,
  type Sender,
  type Session,
} from 'rhea';

/** The attach frame this side answers with; changes count until the event handler of the open returns. */
interface AttachFrame {
  max_message_size?: number;
  offered_capabilities?: string;
  properties?: Record<string, unknown>;
}

interface LocalAttach {
  readonly local: { readonly attach: AttachFrame };
}

interface OutgoingDeliveries {
  readonly next_delivery_id: number;
  readonly next_pending_delivery: number;
  available(): number;
}

/** A link the client receives on. */
export type ConsumerLink = Sender &
  LocalAttach & {
    readonly credit: number;
    readonly session: Session & { readonly outgoing: OutgoingDeliveries };
  };

/** A link the client sends on. */
export type ProducerLink = Receiver & LocalAttach;

export type ServerConnection = Connection & { accept(socket: Socket): void };

/** One message from a client. Of a format other than 0, the message is its bytes. */
export interface Incoming {
  readonly payload: unknown;
  readonly format: number;
  readonly delivery: Delivery;
}

export function consumerLinkOf(context: EventContext): ConsumerLink | undefined {
  return context.sender as ConsumerLink | undefined;
}

export function producerLinkOf(context: EventContext): ProducerLink | undefined {
  return context.receiver as ProducerLink | undefined;
}

export function incomingOf(context: EventContext & { readonly format?: number }): Incoming | undefined {
  const { message, delivery, format = 0 } = context;
  return delivery === undefined ? undefined : { payload: message, format, delivery };
}

/** Capabilities come as one symbol, an array of them, or not at all. */
export function hasCapability(capabilities: unknown, name: string): boolean {
  return Array.isArray(capabilities) ? capabilities.includes(name) : capabilities === name;
}

/** A property of the client's attach as a safe integer; undefined when it is absent, null or no such number. */
export function integerProperty(link: ConsumerLink | ProducerLink, name: string): number | undefined {
  const value: unknown = link.properties?.[name];
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

export const amqpTypes = rhea.types;

/** `array of string`: rhea's typings do not name the element's type code. */
export function stringArray(texts: readonly string[]): ReturnType<typeof amqpTypes.wrap_array> {
  const shortStringCode = 0xa1;
  return amqpTypes.wrap_array(texts, shortStringCode, undefined);
}
