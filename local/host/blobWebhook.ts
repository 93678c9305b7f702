// The webhook of blob triggers with `source: 'EventGrid'`: BlobCreated events become messages of the blob queue.
import { anyEtag, type BlobQueue, blobMessage } from './blobQueue.js';
import { type HttpAnswer, type HttpRequest, type HttpServer, jsonAnswer } from './httpServer.js';

interface EventGridEvent {
  readonly eventType?: string;
  readonly data?: { readonly url?: string; readonly blobType?: string; readonly validationCode?: string };
}

export function addBlobWebhook(http: HttpServer, queue: BlobQueue): void {
  http.addEndpoint('POST', 'runtime/webhooks/blobs', (request) => answer(queue, request));
}

/**
 * No receipts, and the ETag is not compared: an event that is delivered twice runs the function twice, as in the cloud.
 */
async function answer(queue: BlobQueue, request: HttpRequest): Promise<HttpAnswer> {
  const functionId = request.url.searchParams.get('functionName') ?? '';
  const consumer = queue.consumer(functionId);
  if (consumer === undefined) return jsonAnswer(404, { error: `There is no blob function "${functionId}".` });
  const events = parseEvents(request.body);
  if (events === undefined) return jsonAnswer(400, { error: 'The body is no list of Event Grid events.' });
  const [first] = events;
  if (request.headers['aeg-event-type'] === 'SubscriptionValidation') {
    return jsonAnswer(200, { validationResponse: first?.data?.validationCode ?? '' });
  }
  for (const { eventType, data } of events) {
    const blob = eventType === 'Microsoft.Storage.BlobCreated' ? blobOf(data?.url) : undefined;
    if (blob === undefined || !consumer.accepts(blob.container, blob.name)) continue;
    await queue.enqueue(blobMessage({ ...blob, functionId, etag: anyEtag, blobType: data?.blobType }));
  }
  return { status: 202 };
}

function parseEvents(body: Buffer): EventGridEvent[] | undefined {
  try {
    const events: unknown = JSON.parse(body.toString());
    return Array.isArray(events)
      ? events.filter((event) => typeof event === 'object' && event !== null)
      : undefined;
  } catch {
    // The sender is told by a 400.
    return undefined;
  }
}

/** The emulator's URLs begin with the account, `/devstoreaccount1/container/name`; those of the cloud do not. */
function blobOf(url: string | undefined): { container: string; name: string } | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { hostname, pathname } = new URL(url);
  const parts = decodeURIComponent(pathname).split('/').slice(1);
  const [container = '', ...name] = /^(localhost|\d+(\.\d+){3})$/.test(hostname) ? parts.slice(1) : parts;
  return { container, name: name.join('/') };
}
