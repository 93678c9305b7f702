// Timers that log what they were given.
import { app } from '@azure/functions';

const report = (timer, context) => context.log(`timer ${JSON.stringify(timer)}`);

app.timer('yearly', { schedule: '0 0 0 1 1 *', handler: report });
app.timer('onStartup', { schedule: '0 0 0 1 1 *', runOnStartup: true, handler: report });
app.timer('everySecond', { schedule: '%EVERY_SECOND%', handler: report });
