// HTTP: what the tables hold and how far each partition has been ingested.
import { app } from '@azure/functions';
import { getApp } from '../shared/app.js';

app.http('status', {
  route: 'status',
  methods: ['GET'],
  authLevel: 'function',
  handler: async () => {
    const { describeTables } = await getApp();
    return { jsonBody: { tables: await describeTables() }, headers: { 'cache-control': 'no-store' } };
  },
});
