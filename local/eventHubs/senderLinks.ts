// Links that producers send on: attach, idempotent handshake, credit, and one accept or reject per batch.
import type { Socket } from 'node:net';
import rhea, { type Delivery } from 'rhea';
import { describeError } from '../../shared/base/index.js';
import { type BatchEnvelope, batchMessageFormat, readBatch, readEvent } from './amqpCodec.js';
import { argumentError, internalError, type WireError } from './amqpErrors.js';
import { MalformedMessageError } from './amqpValues.js';
import type { BrokerServices, Endpoint, Opened } from './endpoint.js';
import type { SendFault } from './faults.js';
import type { Hub } from './hub.js';
import { partitionOfKey } from './partitionHash.js';
import type { PartitionLog } from './partitionLog.js';
import type { ProducerVerdict } from './producerStates.js';
import {
  amqpTypes,
  hasCapability,
  type Incoming,
  incomingOf,
  integerProperty,
  type ProducerLink,
} from './rheaLinks.js';

/** Batches a client may have on their way. Given back in halves, to send few flow frames. */
const linkCredit = 100;
const maxPartitionKeyLength = 128;
const idempotentCapability = 'com.microsoft:idempotent-producer';
const producerIdProperty = 'com.microsoft:producer-id';
const producerEpochProperty = 'com.microsoft:producer-epoch';
const producerSequenceProperty = 'com.microsoft:producer-sequence-number';
/** Event Hubs' types of the three: long, short, int. */
const maxEpoch = 2 ** 15 - 1;
const maxProducerSequence = 2 ** 31 - 1;
const maxNewProducerId = 2 ** 48;

export interface ProducerAttach {
  readonly link: ProducerLink;
  readonly socket: Socket;
  readonly hub: Hub;
  /** Undefined for a link to the hub as a whole. */
  readonly partition: PartitionLog | undefined;
  readonly services: BrokerServices;
}

/** Answers an attach; the caller refuses by closing the link with the error. */
export function openProducer(attach: ProducerAttach): Opened<Endpoint> {
  const { link, partition, services } = attach;
  // Without it, clients make batches of any size.
  link.local.attach.max_message_size = services.maxMessageBytes;
  if (hasCapability(link.desired_capabilities, idempotentCapability)) {
    const error = partition === undefined ? notToHub() : shakeHands(link, partition, services);
    if (error !== undefined) return { kind: 'refused', error };
  }
  return { kind: 'open', endpoint: new ProducerEndpoint(attach) };
}

class ProducerEndpoint implements Endpoint {
  readonly hub: Hub;
  readonly socket: Socket;
  readonly #link: ProducerLink;
  readonly #partition: PartitionLog | undefined;
  readonly #services: BrokerServices;
  #isOpen = true;
  #usedCredit = 0;

  constructor(attach: ProducerAttach) {
    this.hub = attach.hub;
    this.socket = attach.socket;
    this.#link = attach.link;
    this.#partition = attach.partition;
    this.#services = attach.services;
    this.#link.add_credit(linkCredit);
    this.#link.on('message', (context) => {
      const incoming = incomingOf(context);
      if (incoming !== undefined) this.#receive(incoming);
    });
  }

  close(error: WireError): void {
    this.#isOpen = false;
    this.#link.close(error);
  }

  released(): void {
    this.#isOpen = false;
  }

  drained(): void {}

  #receive(incoming: Incoming): void {
    if (!this.#isOpen) return;
    this.#renewCredit();
    const fault = this.#services.faults.takeSend();
    const error = fault?.kind === 'refuse' ? fault.error : this.#store(incoming);
    // Rejected, never detached: a client that is waiting for this send would not notice a detach.
    if (error !== undefined) incoming.delivery.reject(error);
    else this.#acknowledge(incoming.delivery, fault);
  }

  #renewCredit(): void {
    this.#usedCredit++;
    if (this.#usedCredit < linkCredit / 2) return;
    this.#link.add_credit(this.#usedCredit);
    this.#usedCredit = 0;
  }

  #acknowledge(delivery: Delivery, fault: SendFault | undefined): void {
    if (fault?.kind === 'loseAcknowledgement') {
      this.socket.destroy(new Error('Dropped by a fault switch before the send was acknowledged.'));
    } else if (fault?.kind === 'delay') {
      const { clock, stopSignal } = this.#services;
      void clock.sleep(fault.delayMs, stopSignal).then(() => {
        if (this.#isOpen) delivery.accept();
      });
    } else {
      delivery.accept();
    }
  }

  /** @returns the reason not to */
  #store(incoming: Incoming): WireError | undefined {
    try {
      const envelope = this.#read(incoming);
      if ('condition' in envelope) return envelope;
      const partition = this.#partition ?? this.#choosePartition(envelope.partitionKey);
      const { partitionKey, events } = envelope;
      return verdictError(partition.append(events, { partitionKey, nowMs: this.#services.clock.nowMs() }));
    } catch (error) {
      if (error instanceof MalformedMessageError) {
        return { condition: 'amqp:decode-error', description: error.message };
      }
      this.#services.logger.log('error', `A batch could not be stored: ${describeError(error)}`, {
        hub: this.hub.name,
      });
      return internalError(`The batch could not be stored: ${describeError(error)}`);
    }
  }

  #read(incoming: Incoming): BatchEnvelope | WireError {
    const payload = bytesOf(incoming);
    const { maxMessageBytes } = this.#services;
    if (payload.length > maxMessageBytes) {
      return {
        condition: 'amqp:link:message-size-exceeded',
        description: `The received message (size:${payload.length}) exceeds the limit (${maxMessageBytes}) currently allowed on the link.`,
      };
    }
    const envelope = incoming.format === batchMessageFormat ? readBatch(payload) : single(payload);
    return envelopeError(envelope) ?? envelope;
  }

  /** By key, else in turn; a batch is never split. */
  #choosePartition(partitionKey: string | undefined): PartitionLog {
    const { hub } = this;
    const { partitions } = hub;
    const id =
      partitionKey === undefined ? hub.nextPartition : partitionOfKey(partitionKey, partitions.length);
    if (partitionKey === undefined) hub.nextPartition = (hub.nextPartition + 1) % partitions.length;
    const partition = partitions[id];
    if (partition === undefined) throw new Error(`The hub has no partition ${id}.`);
    return partition;
  }
}

/** rhea decodes messages of format 0 by itself; batches, all that the Node client ever sends, arrive as bytes. */
function bytesOf(incoming: Incoming): Buffer {
  return Buffer.isBuffer(incoming.payload) ? incoming.payload : rhea.message.encode(incoming.payload);
}

function single(payload: Buffer): BatchEnvelope {
  const event = readEvent(payload);
  return { partitionKey: event.partitionKey, events: [event] };
}

function envelopeError(envelope: BatchEnvelope): WireError | undefined {
  const keys = [envelope.partitionKey, ...envelope.events.map((event) => event.partitionKey)];
  if (keys.some((key) => key !== undefined && key.length > maxPartitionKeyLength)) {
    return argumentError(`A partition key is longer than ${maxPartitionKeyLength} characters.`);
  }
  const { producer } = envelope.events[0] ?? {};
  if (producer !== undefined && !isValidProducer(producer.id, producer.epoch, producer.sequence)) {
    return argumentError('The idempotent producer annotations are out of range.');
  }
  return undefined;
}

function isValidProducer(id: number, epoch: number, sequence: number): boolean {
  const isInRange = (value: number, maximum: number) => value >= 0 && value <= maximum;
  return (
    isInRange(id, Number.MAX_SAFE_INTEGER - 1) &&
    isInRange(epoch, maxEpoch) &&
    isInRange(sequence, maxProducerSequence)
  );
}

function verdictError(verdict: ProducerVerdict): WireError | undefined {
  switch (verdict.kind) {
    case 'outOfOrder':
      return {
        condition: 'com.microsoft:out-of-order-sequence',
        description: `The producer's next sequence number is ${verdict.expectedSequence}.`,
      };
    case 'epochStolen':
      return epochStolen(verdict.currentEpoch);
    default:
      return undefined;
  }
}

function epochStolen(currentEpoch: number): WireError {
  return {
    condition: 'com.microsoft:producer-epoch-stolen',
    description: `A producer of the same id with the higher epoch ${currentEpoch} has taken over.`,
  };
}

function notToHub(): WireError {
  return {
    condition: 'amqp:not-allowed',
    description: 'Idempotent publishing needs a link to a partition, not to the whole event hub.',
  };
}

/** Tells the producer who it is and where it stands. @returns the reason to refuse it */
function shakeHands(
  link: ProducerLink,
  partition: PartitionLog,
  services: BrokerServices,
): WireError | undefined {
  const id = integerProperty(link, producerIdProperty) ?? newProducerId(partition, services);
  const known = partition.producers.get(id);
  const epoch = integerProperty(link, producerEpochProperty) ?? known?.epoch ?? 0;
  const sequence = integerProperty(link, producerSequenceProperty) ?? known?.lastSequence ?? 0;
  if (!isValidProducer(id, epoch, sequence)) {
    return argumentError('The idempotent producer properties of the link are out of range.');
  }
  if (known !== undefined && epoch < known.epoch) return epochStolen(known.epoch);
  // A producer that is not known (a wiped emulator, or a starting sequence of the user's choice) is taken at its word.
  partition.producers.set({ id, epoch, lastSequence: Math.max(sequence, known?.lastSequence ?? 0) });
  link.local.attach.offered_capabilities = idempotentCapability;
  // The sequence the client itself gave, even if more was stored: it numbers a repeated batch from this answer, so
  // the last stored number would make the repetition of a batch whose acknowledgement was lost look like a new one.
  link.local.attach.properties = {
    [producerIdProperty]: amqpTypes.wrap_long(id),
    [producerEpochProperty]: amqpTypes.wrap_short(epoch),
    [producerSequenceProperty]: amqpTypes.wrap_int(sequence),
  };
  return undefined;
}

function newProducerId(partition: PartitionLog, services: BrokerServices): number {
  let id: number;
  do id = 1 + Math.floor(services.random.next() * (maxNewProducerId - 1));
  while (partition.producers.get(id) !== undefined);
  return id;
}
