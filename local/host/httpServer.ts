// The host's HTTP side: functions below the route prefix, administration, webhooks. Bound to this machine only.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, describeError, type Logger, TributaryError } from '../../shared/base/index.js';
import { matchRoute, parseRoute, type Route, type RouteDefinition } from './routes.js';
import { waitAtMost } from './waitAtMost.js';

/** The real host's default limit. */
const maxBodyBytes = 100 * 1024 * 1024;

export interface HttpRequest {
  readonly method: string;
  /** Absolute, with the query. */
  readonly url: URL;
  /** Lower-case names; repeated headers are joined by comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array | string;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpAnswer>;

export interface HttpServerOptions {
  readonly port: number;
  readonly routePrefix: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

export class HttpServer {
  readonly #routes: Route[] = [];
  readonly #handlers = new Map<string, HttpHandler>();
  readonly #endpoints: { readonly route: Route; readonly handler: HttpHandler }[] = [];
  readonly #server: Server;
  readonly #running = new Set<Promise<void>>();
  #url = '';

  constructor(private readonly options: HttpServerOptions) {
    this.#server = createServer((request, response) => {
      const run = this.#serve(request, response).finally(() => this.#running.delete(run));
      this.#running.add(run);
    });
  }

  get url(): string {
    return this.#url;
  }

  /** A function, below the route prefix. @throws TributaryError CONFIG_INVALID */
  addFunction(definition: RouteDefinition, handler: HttpHandler): void {
    this.#routes.push(parseRoute(definition));
    this.#handlers.set(definition.functionName, handler);
  }

  /** The host's own, from the root, e.g. `admin/host/status`. */
  addEndpoint(method: string, template: string, handler: HttpHandler): void {
    this.#endpoints.push({
      route: parseRoute({ functionName: template, template, methods: [method] }),
      handler,
    });
  }

  /** @throws TributaryError LOCAL_PORT_IN_USE */
  async listen(): Promise<void> {
    const { port } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(listenError(port, cause)));
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Takes no new connections; running requests have `drainTimeoutMs` to end. */
  async close(drainTimeoutMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    await waitAtMost(Promise.all(this.#running), drainTimeoutMs, this.options.clock);
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(incoming, response);
    } catch (error) {
      this.options.logger.log('error', `${incoming.method} ${incoming.url}: ${describeError(error)}`);
      if (!response.headersSent) send(response, { status: 500 });
      else response.destroy();
    }
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = this.#absoluteUrl(incoming);
    const method = incoming.method ?? 'GET';
    const target = this.#find(method, url.pathname.replace(/^\/+|\/+$/g, ''));
    if ('status' in target) return send(response, target);
    const body = await readBody(incoming);
    if (body === undefined) {
      return send(response, { status: 413, headers: { connection: 'close' } });
    }
    const headers = joinHeaders(incoming);
    const answer = await target.handler({ method, url, headers, parameters: target.parameters, body });
    send(response, method === 'HEAD' ? { ...answer, body: '' } : answer);
  }

  #find(
    method: string,
    path: string,
  ): HttpAnswer | { handler: HttpHandler; parameters: Record<string, string> } {
    for (const { route, handler } of this.#endpoints) {
      const match = matchRoute([route], method, path);
      if (match.kind === 'matched') return { handler, parameters: { ...match.parameters } };
    }
    const prefix = this.options.routePrefix;
    const below = prefix === '' ? path : belowPrefix(path, prefix);
    if (below === undefined) return { status: 404 };
    const match = matchRoute(this.#routes, method, below);
    switch (match.kind) {
      case 'notFound':
        return { status: 404 };
      case 'methodNotAllowed':
        return { status: 405, headers: { allow: match.allowed.join(', ') } };
      case 'matched':
        return { handler: this.#handlers.get(match.functionName)!, parameters: { ...match.parameters } };
    }
  }

  #absoluteUrl(incoming: IncomingMessage): URL {
    const path = incoming.url?.startsWith('/') === true ? incoming.url : '/';
    const host = `http://${incoming.headers.host}`;
    return URL.canParse(path, host) ? new URL(path, host) : new URL(path, this.#url);
  }
}

function belowPrefix(path: string, prefix: string): string | undefined {
  const lower = path.toLowerCase();
  if (lower === prefix.toLowerCase()) return '';
  return lower.startsWith(`${prefix.toLowerCase()}/`) ? path.slice(prefix.length + 1) : undefined;
}

/** @returns undefined when it is too large */
async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBodyBytes) return undefined;
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    byteCount += chunk.byteLength;
    if (byteCount > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function joinHeaders(incoming: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    // The real host leaves empty headers out (IgnoreEmptyValuedRpcHttpHeaders).
    if (value !== undefined && value !== '') headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  return headers;
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: HttpAnswer): void {
  for (const [name, value] of Object.entries(headers)) {
    response.setHeader(name, typeof value === 'string' ? value : [...value]);
  }
  response.statusCode = status;
  response.end(body);
}

function listenError(port: number, cause: Error): TributaryError {
  if ('code' in cause && cause.code === 'EADDRINUSE') {
    return new TributaryError(
      'LOCAL_PORT_IN_USE',
      `Port ${port} is taken, perhaps by another Functions host. Choose another one with --port.`,
      { cause },
    );
  }
  return new TributaryError('LOCAL_START_FAILED', `Cannot listen on port ${port}: ${cause.message}`, {
    cause,
  });
}

export function jsonAnswer(status: number, value: unknown): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  };
}
