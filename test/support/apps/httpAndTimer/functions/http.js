// HTTP functions that show what they were given.
import { app } from '@azure/functions';

app.http('echo', {
  route: 'echo/{id:int}/{name?}',
  methods: ['POST', 'PUT'],
  handler: async (request) => ({
    status: 201,
    headers: { 'x-seen': request.headers.get('x-sent') ?? '' },
    cookies: [
      { name: 'session', value: 'a b', httpOnly: true, sameSite: 'Strict', maxAge: 60 },
      { name: 'theme', value: 'dark', path: '/api' },
    ],
    jsonBody: {
      params: request.params,
      query: request.query.getAll('tag'),
      body: Buffer.from(await request.arrayBuffer()).toString('base64'),
    },
  }),
});

app.http('literal', { route: 'echo/latest', methods: ['PUT'], handler: () => ({ body: 'literal' }) });
app.http('nothing', { handler: () => undefined });
app.http('failing', { handler: () => Promise.reject(new Error('on purpose')) });
app.http('setting', { methods: ['GET'], handler: () => ({ body: process.env.GREETING ?? 'none' }) });

app.http('slow', {
  methods: ['GET'],
  handler: (_request, context) => {
    context.log('slow began');
    return new Promise((resolve) => setTimeout(resolve, 700, { body: 'late' }));
  },
});
app.http('hanging', {
  methods: ['GET'],
  handler: (_request, context) => {
    context.log('hanging began');
    return new Promise(() => {});
  },
});
