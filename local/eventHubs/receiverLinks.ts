// Links that consumers receive on: start position, owner level, and the pump that never sends more than credit, the AMQP
// session's window and the socket can take.
import type { Socket } from 'node:net';
import { describeError } from '../../shared/base/index.js';
import { withRuntimeMetrics } from './amqpCodec.js';
import { argumentError, internalError, type WireError } from './amqpErrors.js';
import type { BrokerServices, Endpoint, Opened } from './endpoint.js';
import type { Hub } from './hub.js';
import { LogCursor } from './logCursor.js';
import type { PartitionLog } from './partitionLog.js';
import type { ReaderClaim } from './readerAdmission.js';
import { type ConsumerLink, hasCapability, integerProperty } from './rheaLinks.js';
import { parseSelector, type StartPosition } from './selectorFilter.js';

const selectorKey = 'apache.org:selector-filter:string';
const epochProperty = 'com.microsoft:epoch';
const receiverNameProperty = 'com.microsoft:receiver-name';
const runtimeMetricCapability = 'com.microsoft:enable-receiver-runtime-metric';
/** rhea writes without looking at how full the socket is, so the pump stops at this many unwritten bytes. */
const maxUnwrittenBytes = 1024 * 1024;

export interface ConsumerAttach {
  readonly link: ConsumerLink;
  readonly socket: Socket;
  readonly hub: Hub;
  readonly partition: PartitionLog;
  /** Lower case. */
  readonly consumerGroup: string;
  readonly services: BrokerServices;
}

/** Answers an attach, but for the owner level, which the caller compares with the other readers. */
export function openConsumer(attach: ConsumerAttach): Opened<ConsumerEndpoint> {
  const position = startPosition(attach.link);
  if (position === undefined) {
    return {
      kind: 'refused',
      error: argumentError('The receiver has a filter that is not an event position.'),
    };
  }
  const start = attach.partition.seek(position);
  if (start.kind === 'pastEnd') return { kind: 'refused', error: pastEnd(position, attach.partition) };
  return { kind: 'open', endpoint: new ConsumerEndpoint(attach, start.sequenceNumber) };
}

export class ConsumerEndpoint implements Endpoint, ReaderClaim {
  readonly name: string;
  readonly epoch: number | undefined;
  readonly hub: Hub;
  readonly socket: Socket;
  readonly partition: PartitionLog;
  readonly consumerGroup: string;
  readonly #link: ConsumerLink;
  readonly #services: BrokerServices;
  readonly #cursor: LogCursor;
  readonly #hasRuntimeMetrics: boolean;
  readonly #wake = () => this.#schedule();
  #isOpen = true;
  #isScheduled = false;

  constructor(attach: ConsumerAttach, firstSequenceNumber: number) {
    const { link } = attach;
    const givenName: unknown = link.properties?.[receiverNameProperty];
    this.name = typeof givenName === 'string' ? givenName : link.name;
    this.epoch = integerProperty(link, epochProperty);
    this.hub = attach.hub;
    this.socket = attach.socket;
    this.partition = attach.partition;
    this.consumerGroup = attach.consumerGroup;
    this.#link = link;
    this.#services = attach.services;
    this.#cursor = new LogCursor(attach.partition, firstSequenceNumber);
    this.#hasRuntimeMetrics = hasCapability(link.desired_capabilities, runtimeMetricCapability);
  }

  start(): void {
    this.#link.on('sendable', this.#wake);
    this.#link.on('settled', this.#wake);
    this.partition.onAppend(this.#wake);
  }

  close(error: WireError): void {
    this.released();
    this.#link.close(error);
  }

  released(): void {
    this.#isOpen = false;
    this.partition.offAppend(this.#wake);
  }

  drained(): void {
    this.#schedule();
  }

  /** Many events in one turn (appends, settled deliveries) make one run of the pump. */
  #schedule(): void {
    if (this.#isScheduled || !this.#isOpen) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#isOpen) this.#pump();
    });
  }

  #pump(): void {
    try {
      if (this.#send() && !this.socket.writableNeedDrain) this.#schedule();
    } catch (error) {
      this.#services.logger.log('error', `Events could not be read: ${describeError(error)}`, {
        hub: this.hub.name,
      });
      this.close(internalError(`Events could not be read: ${describeError(error)}`));
    }
  }

  /** @returns whether it stopped at the socket's limit with events left */
  #send(): boolean {
    const { outgoing } = this.#link.session;
    // rhea counts credit down only when it writes, in the next tick.
    const unwrittenCount = outgoing.next_delivery_id - outgoing.next_pending_delivery;
    let allowedCount = Math.min(this.#link.credit - unwrittenCount, outgoing.available());
    let allowedBytes = maxUnwrittenBytes - this.socket.writableLength;
    if (allowedCount <= 0 || allowedBytes <= 0) return false;
    while (allowedCount > 0 && allowedBytes > 0) {
      const event = this.#cursor.next();
      if (event === undefined) break;
      this.#link.send(this.#hasRuntimeMetrics ? this.#withMetrics(event) : event, undefined, 0);
      allowedCount--;
      allowedBytes -= event.length;
    }
    this.#writeTogether();
    return allowedBytes <= 0;
  }

  /** rhea writes one small frame per event; corked, they leave in one system call. */
  #writeTogether(): void {
    this.socket.cork();
    // Queued behind rhea's own tick, which writes the frames.
    process.nextTick(() => this.socket.uncork());
  }

  #withMetrics(event: Buffer): Buffer {
    const { lastSequenceNumber, lastOffset, lastEnqueuedMs } = this.partition;
    const retrievedMs = this.#services.clock.nowMs();
    return withRuntimeMetrics(event, { lastSequenceNumber, lastOffset, lastEnqueuedMs, retrievedMs });
  }
}

/** Without a filter a receiver starts at the oldest event. @returns undefined for a filter that is no position */
function startPosition(link: ConsumerLink): StartPosition | undefined {
  const filter: unknown = link.source.filter?.[selectorKey];
  if (filter === undefined || filter === null) return { kind: 'earliest' };
  const text: unknown = typeof filter === 'object' && 'value' in filter ? filter.value : filter;
  return typeof text === 'string' ? parseSelector(text) : undefined;
}

/** Kept checkpoints of a wiped hub would otherwise silently skip new events until their numbers pass the old ones. */
function pastEnd(position: StartPosition, partition: PartitionLog): WireError {
  if (position.kind === 'offset') {
    return argumentError(
      `The supplied offset '${position.offset}' is invalid. The last offset in the system is '${partition.lastOffset}'.`,
    );
  }
  const supplied = position.kind === 'sequenceNumber' ? position.sequenceNumber : '';
  return argumentError(
    `The supplied sequence number '${supplied}' is invalid. The last sequence number in the system is '${partition.lastSequenceNumber}'.`,
  );
}
