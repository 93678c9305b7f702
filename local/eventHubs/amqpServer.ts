// The AMQP 1.0 side: connections, and which link leads where. rhea keeps the protocol state.
import type { Socket } from 'node:net';
import rhea, { type Connection, type Container, type EventContext, type Message, type Session } from 'rhea';
import { describeError } from '../../shared/base/index.js';
import { type LinkAddress, parseAddress } from './addresses.js';
import { entityNotFound, partitionOutOfRange, type WireError } from './amqpErrors.js';
import type { BrokerServices, Endpoint, Opened } from './endpoint.js';
import { type Hub, type HubStore, partitionById } from './hub.js';
import { type Listener, startListener } from './listener.js';
import { admitReader } from './readerAdmission.js';
import { ConsumerEndpoint, openConsumer } from './receiverLinks.js';
import { answerManagement, answerToken, type Reply, serveRequests } from './requestLinks.js';
import {
  type ConsumerLink,
  consumerLinkOf,
  type ProducerLink,
  producerLinkOf,
  type ServerConnection,
} from './rheaLinks.js';
import { openProducer } from './senderLinks.js';

const maxFrameBytes = 65_536;

const emptyFrame = Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]);

type ServerLink = ConsumerLink | ProducerLink;

export class AmqpServer {
  readonly #hubs: HubStore;
  readonly #services: BrokerServices;
  readonly #container: Container;
  readonly #sockets = new Map<Connection, Socket>();
  readonly #endpoints = new Map<ServerLink, Endpoint>();
  #listener: Listener | undefined;

  constructor(hubs: HubStore, services: BrokerServices) {
    this.#hubs = hubs;
    this.#services = services;
    this.#container = rhea.create_container({
      id: services.random.uuid(),
      tcp_no_delay: true,
      // Batches are accepted once they are stored, and credit is given by hand.
      receiver_options: { autoaccept: false, credit_window: 0 },
    });
    this.#handleEvents();
  }

  /** @returns the port @throws TributaryError LOCAL_PORT_IN_USE, LOCAL_START_FAILED */
  async listen(hosts: readonly string[], port: number): Promise<number> {
    this.#listener = await startListener({
      hosts,
      port,
      onConnection: (socket) => this.#accept(socket),
      onError: (error) => this.#warn('A listening socket failed', error),
    });
    return this.#listener.port;
  }

  /** @returns how many there were */
  dropConnections(): number {
    const sockets = [...this.#sockets.values()];
    for (const socket of sockets) socket.destroy(new Error('The connection was dropped by the emulator.'));
    return sockets.length;
  }

  /** @returns how many there were */
  detachReceivers(error: WireError): number {
    return this.#closeEndpoints((endpoint) => endpoint instanceof ConsumerEndpoint, error);
  }

  detachHub(hub: Hub): void {
    this.#closeEndpoints((endpoint) => endpoint.hub === hub, entityNotFound(hub.name));
  }

  async stop(): Promise<void> {
    const closed = this.#listener?.close();
    this.dropConnections();
    await closed;
  }

  #accept(socket: Socket): void {
    const connection = this.#container.create_connection({
      port: socket.localPort ?? 0,
      max_frame_size: maxFrameBytes,
    }) as ServerConnection;
    this.#sockets.set(connection, socket);
    socket.on('drain', () => {
      for (const endpoint of this.#endpoints.values()) if (endpoint.socket === socket) endpoint.drained();
    });
    // However a connection ends, its socket closes; rhea does not report each way.
    socket.on('close', () => {
      this.#sockets.delete(connection);
      this.#release((link) => link.connection === connection);
    });
    connection.accept(socket);
    answerEveryRead(socket, connection);
  }

  #handleEvents(): void {
    const container = this.#container;
    container.on('receiver_open', (context: EventContext) => this.#openForProducer(producerLinkOf(context)));
    container.on('sender_open', (context: EventContext) => this.#openForConsumer(consumerLinkOf(context)));
    container.on('receiver_close', (context: EventContext) => this.#releaseLink(producerLinkOf(context)));
    container.on('sender_close', (context: EventContext) => this.#releaseLink(consumerLinkOf(context)));
    container.on('session_close', ({ session }: { session: Session }) =>
      this.#release((link) => link.session === session),
    );
    container.on('error', (error: unknown) => this.#warn('A connection failed', error));
    container.on('protocol_error', (error: unknown) => this.#warn('A client broke the AMQP protocol', error));
    // A peer may end anything with an error; its close event follows. Without a listener rhea would throw.
    for (const name of [
      'sender_error',
      'receiver_error',
      'session_error',
      'connection_error',
      'disconnected',
    ]) {
      container.on(name, () => {});
    }
  }

  /** A client that sends: events, or requests to one of the two services. */
  #openForProducer(link: ProducerLink | undefined): void {
    if (link === undefined) return;
    const target = link.target?.address ?? '';
    link.set_source(link.source ?? {});
    link.set_target({ address: target });
    const address = parseAddress(target);
    if (address.kind === 'cbs') serveRequests(link, answerToken);
    else if (address.kind === 'management') serveRequests(link, (request) => this.#describe(request));
    else this.#register(link, this.#openProducer(link, address, target));
  }

  /** A client that receives: events, or the replies of one of the two services. */
  #openForConsumer(link: ConsumerLink | undefined): void {
    if (link === undefined) return;
    const source = link.source?.address ?? '';
    link.set_source(link.source ?? {});
    link.set_target({ address: link.target?.address ?? '' });
    const address = parseAddress(source);
    if (address.kind === 'cbs' || address.kind === 'management') return;
    this.#register(link, this.#openConsumer(link, address, source));
  }

  #openProducer(link: ProducerLink, address: LinkAddress, target: string): Opened<Endpoint> {
    if (address.kind !== 'hub' && address.kind !== 'partition') return refused(entityNotFound(target));
    const hub = this.#hubs.get(address.hub);
    if (hub === undefined) return refused(entityNotFound(target));
    const partitionId = address.kind === 'partition' ? address.partitionId : undefined;
    const partition = partitionId === undefined ? undefined : partitionById(hub, partitionId);
    if (partitionId !== undefined && partition === undefined) {
      return refused(partitionOutOfRange(hub.name, partitionId));
    }
    return openProducer({ link, socket: this.#socketOf(link), hub, partition, services: this.#services });
  }

  #openConsumer(link: ConsumerLink, address: LinkAddress, source: string): Opened<Endpoint> {
    if (address.kind !== 'consumer') return refused(entityNotFound(source));
    const hub = this.#hubs.get(address.hub);
    const consumerGroup = address.consumerGroup.toLowerCase();
    if (!hub?.consumerGroups.has(consumerGroup)) return refused(entityNotFound(source));
    const partition = partitionById(hub, address.partitionId);
    if (partition === undefined) return refused(partitionOutOfRange(hub.name, address.partitionId));
    const fault = this.#services.faults.takeReceiver();
    if (fault !== undefined) return refused(fault);
    const socket = this.#socketOf(link);
    const opened = openConsumer({ link, socket, hub, partition, consumerGroup, services: this.#services });
    return opened.kind === 'open' ? this.#admit(opened.endpoint) : opened;
  }

  #admit(newcomer: ConsumerEndpoint): Opened<Endpoint> {
    const { partition, consumerGroup } = newcomer;
    const rivals = [...this.#endpoints.values()].filter(
      (endpoint): endpoint is ConsumerEndpoint =>
        endpoint instanceof ConsumerEndpoint &&
        endpoint.partition === partition &&
        endpoint.consumerGroup === consumerGroup,
    );
    const admission = admitReader(rivals, newcomer);
    if (admission.kind === 'refuse') return refused(admission.error);
    for (const { reader, error } of admission.displaced) {
      this.#closeEndpoints((endpoint) => endpoint === reader, error);
    }
    newcomer.start();
    return { kind: 'open', endpoint: newcomer };
  }

  /** A refused link is detached in the turn of its attach: rhea writes the attach first, and clients see the error at once. */
  #register(link: ServerLink, opened: Opened<Endpoint>): void {
    if (opened.kind === 'open') this.#endpoints.set(link, opened.endpoint);
    else link.close(opened.error);
  }

  #describe(request: Message): Reply {
    return answerManagement(request, {
      clock: this.#services.clock,
      findHub: (hubName) => this.#hubs.get(hubName),
    });
  }

  #socketOf(link: ServerLink): Socket {
    const socket = this.#sockets.get(link.connection);
    if (socket === undefined) throw new Error('A link was opened on a connection that is closed.');
    return socket;
  }

  #releaseLink(link: ServerLink | undefined): void {
    if (link === undefined) return;
    this.#endpoints.get(link)?.released();
    this.#endpoints.delete(link);
  }

  #release(isGone: (link: ServerLink) => boolean): void {
    for (const link of this.#endpoints.keys()) if (isGone(link)) this.#releaseLink(link);
  }

  #closeEndpoints(isWanted: (endpoint: Endpoint) => boolean, error: WireError): number {
    const wanted = [...this.#endpoints].filter(([, endpoint]) => isWanted(endpoint));
    for (const [link, endpoint] of wanted) {
      this.#endpoints.delete(link);
      endpoint.close(error);
    }
    return wanted.length;
  }

  #warn(what: string, error: unknown): void {
    this.#services.logger.log('warn', `${what}: ${describeError(error)}`);
  }
}

/**
 * Clients leave Nagle's algorithm on, so a small frame waits until the one before is acknowledged, and the kernel holds a bare
 * acknowledgement back for 40 ms. Any bytes carry it at once: an empty frame (AMQP 2.4.5) where nothing else is written.
 * With it a link opens in a few milliseconds instead of 90.
 */
function answerEveryRead(socket: Socket, connection: Connection): void {
  let isWaiting = false;
  socket.on('data', () => {
    if (isWaiting) return;
    isWaiting = true;
    const { bytesWritten } = socket;
    setImmediate(() => {
      isWaiting = false;
      if (socket.bytesWritten === bytesWritten && connection.is_open()) socket.write(emptyFrame);
    });
  });
}

function refused(error: WireError): { readonly kind: 'refused'; readonly error: WireError } {
  return { kind: 'refused', error };
}
