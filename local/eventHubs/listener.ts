// Listening sockets: one per address family, all on the same port.
import { createServer, type Server, type Socket } from 'node:net';
import { TributaryError } from '../../shared/base/index.js';

export interface Listener {
  readonly port: number;
  /** Resolves when no connection is left. */
  close(): Promise<void>;
}

export interface ListenerOptions {
  /** The first must work, the others only where this machine has their address family. */
  readonly hosts: readonly string[];
  /** 0 for a free one. */
  readonly port: number;
  readonly onConnection: (socket: Socket) => void;
  readonly onError: (error: Error) => void;
}

/** A free port of one address family may be taken in the other. */
const maxPortAttempts = 10;

/** @throws TributaryError LOCAL_PORT_IN_USE, LOCAL_START_FAILED */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const servers: Server[] = [];
  const close = async () => {
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return { port: await listenOnAll(servers, options), close };
    } catch (error) {
      await close();
      const isTaken = errnoOf(error) === 'EADDRINUSE';
      if (!isTaken || options.port !== 0 || attempt === maxPortAttempts) throw startError(error, options);
    }
  }
}

async function listenOnAll(servers: Server[], options: ListenerOptions): Promise<number> {
  let { port } = options;
  for (const [index, host] of options.hosts.entries()) {
    try {
      const server = await listenOn(host, { ...options, port });
      servers.push(server);
      port = portOf(server);
    } catch (error) {
      if (index === 0 || !isFamilyMissing(error)) throw error;
    }
  }
  return port;
}

async function listenOn(host: string, options: ListenerOptions): Promise<Server> {
  const server = createServer(options.onConnection);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: options.port, exclusive: true }, resolve);
  });
  server.on('error', options.onError);
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null)
    throw new Error('The server does not listen on a port.');
  return address.port;
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function isFamilyMissing(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPROTONOSUPPORT'].includes(errnoOf(error) ?? '');
}

function startError(error: unknown, { hosts, port }: ListenerOptions): TributaryError {
  const where = `on port ${port} of ${hosts.join(' and ')}`;
  if (errnoOf(error) === 'EADDRINUSE') {
    return new TributaryError(
      'LOCAL_PORT_IN_USE',
      `The Event Hubs emulator cannot listen ${where}: another program does. Stop that program, or choose another port with --port.`,
      { cause: error },
    );
  }
  return new TributaryError('LOCAL_START_FAILED', `The Event Hubs emulator cannot listen ${where}.`, {
    cause: error,
  });
}
