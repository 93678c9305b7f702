// An output binding, which the local host does not support.
import { app, output } from '@azure/functions';

app.http('writes', {
  extraOutputs: [output.storageQueue({ name: 'copy', queueName: 'q', connection: 'AzureWebJobsStorage' })],
  handler: () => ({ status: 200 }),
});
