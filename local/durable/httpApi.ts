// The hub's HTTP API, with the paths and answers of the real host's extension. (Durable contract, section 4.2.)
import type { HttpAnswer, HttpRequest, HttpServer } from '../host/httpServer.js';
import { jsonAnswer } from '../host/httpServer.js';
import { apiPath, startAnswer } from './clientBinding.js';
import type { HubClient, RaiseResult } from './hubClient.js';
import { isRunning } from './hubState.js';
import {
  type InstanceFilter,
  matches,
  parseStatuses,
  type StatusDetails,
  statusOf,
} from './instanceQuery.js';

type Handler = (request: HttpRequest, client: HubClient) => Promise<HttpAnswer>;

const defaultPageSize = 100;
const continuationHeader = 'x-ms-continuation-token';

/** @param client waits until the hub has started */
export function addDurableApi(http: HttpServer, client: () => Promise<HubClient>): void {
  for (const [method, path, handler] of routes) {
    http.addEndpoint(method, `${apiPath}/${path}`, async (request) => {
      try {
        return await handler(request, await client());
      } catch (error) {
        if (error instanceof BadRequest) return refusal(400, error.message);
        throw error;
      }
    });
  }
}

const routes: readonly (readonly [method: string, path: string, handler: Handler])[] = [
  ['POST', 'orchestrators/{name}/{instanceId?}', startInstance],
  ['GET', 'instances/{id}', showInstance],
  ['GET', 'instances', listInstances],
  ['DELETE', 'instances/{id}', purgeInstance],
  ['DELETE', 'instances', purgeInstances],
  ['POST', 'instances/{id}/raiseEvent/{eventName}', raiseEvent],
  [
    'POST',
    'instances/{id}/terminate',
    async (request, client) => sendAnswer(await client.terminate(idOf(request), reasonOf(request))),
  ],
  [
    'POST',
    'instances/{id}/suspend',
    async (request, client) => sendAnswer(await client.suspend(idOf(request), reasonOf(request))),
  ],
  [
    'POST',
    'instances/{id}/resume',
    async (request, client) => sendAnswer(await client.resume(idOf(request), reasonOf(request))),
  ],
  ['POST', 'instances/{id}/rewind', async () => refusal(501, 'The local Durable backend does not rewind.')],
  ['POST', 'instances/{id}/restart', async () => refusal(501, 'The local Durable backend does not restart.')],
  ['POST', 'entities/{name}/{key}', signalEntity],
  ['GET', 'entities/{name}/{key}', showEntity],
  ['DELETE', 'entities/{name}/{key}', deleteEntity],
  ['GET', 'entities/{name?}', listEntities],
];

/** What the sender of the request has to change. */
class BadRequest extends Error {}

async function startInstance(request: HttpRequest, client: HubClient): Promise<HttpAnswer> {
  const { name = '', instanceId } = request.parameters;
  const version = request.url.searchParams.get('version');
  const result = await client.start({
    name,
    input: bodyJson(request),
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(version === null ? {} : { version }),
  });
  switch (result.kind) {
    case 'started': {
      const answer = startAnswer(request.url.origin, result.instanceId);
      const location = { location: answer.statusQueryGetUri ?? '', 'retry-after': '10' };
      const accepted = jsonAnswer(202, answer);
      return { ...accepted, headers: { ...accepted.headers, ...location } };
    }
    case 'exists':
      // The real host answers 500: it means a caller that does not expect it.
      return refusal(500, `An Orchestration instance with the status ${result.status} already exists.`);
    case 'refused':
      return refusal(400, result.message);
  }
}

async function showInstance(request: HttpRequest, client: HubClient): Promise<HttpAnswer> {
  const instance = await client.instance(idOf(request));
  if (instance === undefined) return { status: 404 };
  return jsonAnswer(isRunning(instance) ? 202 : 200, statusOf(instance, detailsOf(request)));
}

async function listInstances(request: HttpRequest, client: HubClient): Promise<HttpAnswer> {
  const found = await client.instances(filterOf(request));
  const pageSize = wholeNumber(request, 'top') ?? defaultPageSize;
  const token = request.headers[continuationHeader];
  const after = token === undefined ? '' : Buffer.from(token, 'base64url').toString();
  const rest = found.filter(({ instanceId }) => instanceId > after);
  const page = rest.slice(0, pageSize);
  const answer = jsonAnswer(
    200,
    page.map((instance) => statusOf(instance, { ...detailsOf(request), showHistory: false })),
  );
  const last = page.at(-1);
  if (last === undefined || rest.length <= pageSize) return answer;
  const next = Buffer.from(last.instanceId).toString('base64url');
  return { ...answer, headers: { ...answer.headers, [continuationHeader]: next } };
}

async function purgeInstance(request: HttpRequest, client: HubClient): Promise<HttpAnswer> {
  return purgeAnswer(await client.purge([idOf(request)]));
}

async function purgeInstances(request: HttpRequest, client: HubClient): Promise<HttpAnswer> {
  const filter = filterOf(request);
  if (filter.createdFromMs === undefined) throw new BadRequest('createdTimeFrom must be given.');
  const ids = (await client.instances(filter))
    .filter((instance) => matches(instance, filter))
    .map(({ instanceId }) => instanceId);
  return purgeAnswer(await client.purge(ids, filter));
}

function purgeAnswer(instancesDeleted: number): HttpAnswer {
  return instancesDeleted === 0 ? { status: 404 } : jsonAnswer(200, { instancesDeleted });
}

async function raiseEvent(request: HttpRequest, client: HubClient): Promise<HttpAnswer> {
  return sendAnswer(
    await client.raiseEvent(idOf(request), request.parameters.eventName ?? '', bodyJson(request)),
  );
}

function sendAnswer(result: RaiseResult): HttpAnswer {
  switch (result) {
    case 'accepted':
      return { status: 202 };
    case 'ended':
      return { status: 410 };
    case 'notFound':
      return { status: 404 };
    case 'reservedName':
      return refusal(400, 'Event names must be neither numbers nor the ids of entity calls.');
  }
}

async function signalEntity(request: HttpRequest, client: HubClient): Promise<HttpAnswer> {
  const operation = request.url.searchParams.get('op') ?? '';
  return signal(request, client, operation, bodyJson(request));
}

/** The real host has no other way to delete an entity than this operation. */
async function deleteEntity(request: HttpRequest, client: HubClient): Promise<HttpAnswer> {
  return signal(request, client, 'delete', null);
}

async function signal(
  { parameters }: HttpRequest,
  client: HubClient,
  operation: string,
  input: string | null,
): Promise<HttpAnswer> {
  const problem = await client.signal(parameters.name ?? '', parameters.key ?? '', operation, input);
  return problem === undefined ? { status: 202 } : refusal(400, problem);
}

async function showEntity({ parameters }: HttpRequest, client: HubClient): Promise<HttpAnswer> {
  const entity = await client.entity(parameters.name ?? '', parameters.key ?? '');
  if (entity === undefined) return { status: 404 };
  return { ...jsonAnswer(200, null), body: entity.state ?? 'null' };
}

async function listEntities(request: HttpRequest, client: HubClient): Promise<HttpAnswer> {
  const entities = await client.entities(request.parameters.name);
  const fetchState = request.url.searchParams.get('fetchState')?.toLowerCase() === 'true';
  const shown = entities.slice(0, wholeNumber(request, 'top') ?? defaultPageSize).map((entity) => ({
    entityId: { name: entity.name, key: entity.key },
    lastOperationTime: new Date(entity.lastOperationMs).toISOString(),
    ...(fetchState ? { state: entity.state === null ? null : JSON.parse(entity.state) } : {}),
  }));
  return jsonAnswer(200, shown);
}

function idOf({ parameters }: HttpRequest): string {
  return parameters.id ?? '';
}

function reasonOf({ url }: HttpRequest): string {
  return url.searchParams.get('reason') ?? '';
}

function detailsOf({ url }: HttpRequest): StatusDetails {
  const flag = (name: string) => url.searchParams.get(name)?.toLowerCase();
  return {
    showInput: flag('showInput') !== 'false',
    showHistory: flag('showHistory') === 'true',
    showHistoryOutput: flag('showHistoryOutput') === 'true',
  };
}

function filterOf(request: HttpRequest): InstanceFilter {
  const createdFromMs = time(request, 'createdTimeFrom');
  const createdToMs = time(request, 'createdTimeTo');
  const statusText = request.url.searchParams.get('runtimeStatus') ?? '';
  const statuses = statusText === '' ? undefined : parseStatuses(statusText);
  if (statusText !== '' && statuses === undefined)
    throw new BadRequest(`runtimeStatus "${statusText}" is unknown.`);
  return {
    instanceIdPrefix: request.url.searchParams.get('instanceIdPrefix') ?? '',
    ...(createdFromMs === undefined ? {} : { createdFromMs }),
    ...(createdToMs === undefined ? {} : { createdToMs }),
    ...(statuses === undefined ? {} : { statuses }),
  };
}

function time({ url }: HttpRequest, name: string): number | undefined {
  const text = url.searchParams.get(name) ?? '';
  if (text === '') return undefined;
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) throw new BadRequest(`${name} "${text}" is no time.`);
  return atMs;
}

function wholeNumber({ url }: HttpRequest, name: string): number | undefined {
  const text = url.searchParams.get(name);
  if (text === null) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new BadRequest(`${name} "${text}" is no whole number above zero.`);
  return Number(text);
}

/** @returns JSON text; null without a body */
function bodyJson({ body }: HttpRequest): string | null {
  if (body.byteLength === 0) return null;
  const text = body.toString();
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new BadRequest(`The body is no JSON: ${error.message}`);
  }
}

function refusal(status: number, message: string): HttpAnswer {
  return jsonAnswer(status, { Message: message, ExceptionMessage: message });
}
