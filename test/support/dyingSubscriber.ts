// The documented subscriber as a process that may be killed: each alert that it handles is a line on its standard output, written
// at once. Arguments: connection string, hub, consumer group.
import { writeSync } from 'node:fs';
import { followAlerts } from './subscriberExample.js';

const [connectionString = '', eventHub = '', consumerGroup = ''] = process.argv.slice(2);

followAlerts({ connectionString, eventHub, consumerGroup }, async ({ id, subject }) => {
  writeSync(1, `${id} ${subject}\n`);
});
