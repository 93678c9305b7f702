// A trigger that the local host does not support. (CommonJS, to load one such app.)
const { app } = require('@azure/functions');

app.storageQueue('fromQueue', { queueName: 'q', connection: 'AzureWebJobsStorage', handler: () => {} });
