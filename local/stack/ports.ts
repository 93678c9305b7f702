// Ports of the local stack: free ones found, taken ones named together with the option that changes them.
import { createServer, type Server } from 'node:net';
import { systemRandom, TributaryError } from '../../shared/base/index.js';

export interface WantedPort {
  /** For the message, e.g. `blobs (Azurite)`. */
  readonly purpose: string;
  /** The command-line option, e.g. `blob-port`. */
  readonly option: string;
  /** 0 for any free one. */
  readonly port: number;
}

/**
 * Free ones are looked for below those that systems give to outgoing connections (32768 and up on Linux, 49152 and up elsewhere):
 * of these, any connection may take one before it is used.
 */
const freePorts = { first: 20_000, count: 12_000 };
const triesForFree = 100;

/**
 * The wanted ports, with a free one for each 0. They are free now; another server may still take one before it is used.
 * @throws TributaryError LOCAL_PORT_IN_USE that names every taken port
 */
export async function claimPorts(wanted: readonly WantedPort[]): Promise<number[]> {
  const servers: Server[] = [];
  const taken: WantedPort[] = [];
  const ports: number[] = [];
  try {
    // All at once and held until the end, so that no two parts get the same free port.
    for (const want of wanted) {
      const server = createServer();
      const port = want.port === 0 ? await listenOnFree(server) : await listen(server, want.port);
      if (port === undefined) taken.push(want);
      else {
        servers.push(server);
        ports.push(port);
      }
    }
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
  if (taken.length > 0) throw portsTaken(taken);
  return ports;
}

async function listenOnFree(server: Server): Promise<number | undefined> {
  for (let attempt = 0; attempt < triesForFree; attempt++) {
    const candidate = freePorts.first + Math.floor(systemRandom.next() * freePorts.count);
    const port = await listen(server, candidate);
    if (port !== undefined) return port;
  }
  return listen(server, 0);
}

function listen(server: Server, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    };
    server.once('error', onError);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', onError);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function portsTaken(taken: readonly WantedPort[]): TributaryError {
  const lines = taken.map(
    ({ port, purpose, option }) =>
      `Port ${port} for ${purpose} is in use. Choose another with --${option} N (0 takes a free one).`,
  );
  return new TributaryError(
    'LOCAL_PORT_IN_USE',
    `${lines.join('\n')}\nOr stop what uses it: another npm start, Azurite, or the Functions Core Tools.`,
  );
}
