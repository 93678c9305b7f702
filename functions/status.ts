// HTTP: what the tables hold, how far each partition has been ingested, and what the device shards last said of themselves.
import { app } from '@azure/functions';
import { getApp } from '../shared/app.js';

app.http('status', {
  route: 'status',
  methods: ['GET'],
  authLevel: 'function',
  handler: async () => {
    const { describeTables, shards } = await getApp();
    const [tables, shardSummaries] = await Promise.all([describeTables(), shards?.latest.summaries()]);
    return { jsonBody: { tables, shards: shardSummaries ?? [] }, headers: { 'cache-control': 'no-store' } };
  },
});
