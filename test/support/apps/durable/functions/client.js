// The unmodified library's client, one method for each request: `POST /api/client` with `{ method, args }`.
import * as df from 'durable-functions';

df.app.client.http('client', {
  methods: ['POST'],
  handler: async (request, client) => {
    const { method, args, entity } = await request.json();
    const first = entity === undefined ? [] : [new df.EntityId(entity.name, entity.key)];
    try {
      return { jsonBody: { result: (await client[method](...first, ...args)) ?? null } };
    } catch (error) {
      return { status: 409, jsonBody: { error: error.message } };
    }
  },
});

df.app.client.http('startAndWait', {
  methods: ['POST'],
  handler: async (request, client) => {
    const { name, input, timeoutMs } = await request.json();
    const id = await client.startNew(name, { input });
    return client.waitForCompletionOrCreateCheckStatusResponse(request, id, {
      timeoutInMilliseconds: timeoutMs,
      retryIntervalInMilliseconds: 50,
    });
  },
});
