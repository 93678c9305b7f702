// HTTP: what the tables hold, how far each partition has been ingested, what the device shards last said of themselves, and which
// files wait.
import { app } from '@azure/functions';
import pipeline from '../pipeline.js';
import { getApp } from '../shared/app.js';

app.http('status', {
  route: 'status',
  methods: ['GET'],
  authLevel: 'function',
  handler: async () => {
    const { describeTables, openFileStream, shards } = await getApp();
    const streams = pipeline.files.map(async ({ name }) => {
      const { ledger } = await openFileStream(name);
      const { fileCount, byteCount } = await ledger.outstanding();
      return { stream: name, filesOutstanding: fileCount, bytesOutstanding: byteCount };
    });
    const [tables, files, shardSummaries] = await Promise.all([
      describeTables(),
      Promise.all(streams),
      shards?.latest.summaries(),
    ]);
    return {
      jsonBody: { tables, files, shards: shardSummaries ?? [] },
      headers: { 'cache-control': 'no-store' },
    };
  },
});
