// HTTP trigger: a request becomes one invocation, its result the response. (Functions host contract, "httpTrigger".)
import { TributaryError } from '../../shared/base/index.js';
import { optionalText } from './bindingOptions.js';
import { setCookieText } from './cookies.js';
import type { HttpRequestData, HttpResponseData, TypedData } from './coreTypes.js';
import type { HttpAnswer, HttpRequest } from './httpServer.js';
import type { HostServices, TriggerListener, TriggerSource } from './triggerListener.js';

export function createHttpListener(source: TriggerSource, services: HostServices): TriggerListener {
  const { name, binding } = source;
  const template = services.settings.resolve(
    optionalText(name, binding, 'route') ?? name,
    `Function "${name}"`,
  );
  services.http.addFunction({ functionName: name, template, methods: methodsOf(source) }, (request) =>
    answer(source, services, request),
  );
  // Requests arrive when the server listens, and end when it closes: nothing to do here.
  return { start: async () => {}, stop: async () => {} };
}

function methodsOf({ name, binding }: TriggerSource): string[] {
  const { methods = ['GET', 'POST'] } = binding;
  if (Array.isArray(methods) && methods.every((method) => typeof method === 'string')) return methods;
  throw new TributaryError(
    'CONFIG_INVALID',
    `Function "${name}": the option "methods" must be a list of texts.`,
  );
}

async function answer(
  source: TriggerSource,
  services: HostServices,
  request: HttpRequest,
): Promise<HttpAnswer> {
  const result = await services.invoker.invoke(source.registered, () => ({
    input: { http: requestData(request) },
    metadata: {},
  }));
  if (result.kind === 'failed') return { status: 500 };
  const { returnValue } = result.response;
  // A function that returns nothing has no content.
  if (returnValue?.http === undefined) return { status: 204 };
  return answerFrom(returnValue.http as HttpResponseData);
}

function requestData({ method, url, headers, parameters, body }: HttpRequest): HttpRequestData {
  return {
    method,
    url: url.href,
    nullableHeaders: withValues(headers),
    nullableParams: withValues(parameters),
    // No query maps: the library then parses the URL itself and keeps repeated keys.
    ...(body.byteLength === 0 ? {} : { body: { bytes: body } }),
  };
}

function withValues(texts: Readonly<Record<string, string>>): Record<string, { value: string }> {
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, { value }]));
}

function answerFrom(response: HttpResponseData): HttpAnswer {
  const cookies = (response.cookies ?? []).map(setCookieText);
  return {
    status: Number(response.statusCode ?? 200),
    headers: { ...response.headers, ...(cookies.length === 0 ? {} : { 'set-cookie': cookies }) },
    body: bodyBytes(response.body ?? {}),
  };
}

function bodyBytes({ bytes, string, json }: TypedData): Uint8Array | string {
  return bytes ?? string ?? json ?? '';
}
