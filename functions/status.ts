// HTTP: what the tables hold, how far each partition has been ingested, and which files wait.
import { app } from '@azure/functions';
import pipeline from '../pipeline.js';
import { getApp } from '../shared/app.js';

app.http('status', {
  route: 'status',
  methods: ['GET'],
  authLevel: 'function',
  handler: async () => {
    const { describeTables, openFileStream } = await getApp();
    const streams = pipeline.files.map(async ({ name }) => {
      const { ledger } = await openFileStream(name);
      const { fileCount, byteCount } = await ledger.outstanding();
      return { stream: name, filesOutstanding: fileCount, bytesOutstanding: byteCount };
    });
    const [tables, files] = await Promise.all([describeTables(), Promise.all(streams)]);
    return { jsonBody: { tables, files }, headers: { 'cache-control': 'no-store' } };
  },
});
