// `npm run subscribe`: the alerts of the running stack, as they come.
import { EventHubConsumerClient, type EventPosition, type Subscription } from '@azure/event-hubs';
import pipeline from '../pipeline.js';
import { describeError, systemClock, TributaryError } from '../shared/base/index.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { waitAtMost } from './host/waitAtMost.js';
import { subscribeConsumerGroup } from './stack/pipelineHubs.js';
import { StackState } from './stack/stackState.js';
import { AlertFollower } from './subscribing/alertFollower.js';
import { startOf, subscribeCommand } from './subscribing/subscribeArguments.js';
import { chooseStyle } from './terminal/index.js';

/** The client's own pauses of 30 s are made for the cloud, not for a terminal. */
const retryOptions = { maxRetries: 4, retryDelayInMs: 500, timeoutInMs: 10_000 };
/** To close the client; when it is asked while a partition is being opened, it may never answer. */
const closeTimeoutMs = 3_000;
/** One Ctrl-C can arrive twice, from the terminal and handed on by npm. */
const secondSignalAfterMs = 500;

await runCommand(subscribeCommand, async (options) => {
  const startPosition = startOf(options.since, systemClock.nowMs());
  if (startPosition === undefined) {
    console.error(
      `--since ${options.since} is no duration, as 15m, no time, as 2025-10-06T10:00:00Z, and not "beginning".`,
    );
    return exitCodes.usage;
  }
  const state = new StackState(options.state);
  const follower = new AlertFollower({
    options,
    style: chooseStyle(process.stdout.isTTY === true, process.env),
    write: (line) => console.log(line),
    complain: (line) => console.error(line),
  });
  endOnSignals(follower);
  await follow(follower, state, startPosition, options.json);
  return exitCodes.done;
});
// The client may also leave a timer for its next token behind, which would hold the process for 45 minutes.
process.exit();

async function follow(
  follower: AlertFollower,
  state: StackState,
  startPosition: EventPosition,
  isQuiet: boolean,
): Promise<void> {
  const hub = pipeline.alerts.eventHub;
  const { eventHubs } = state.readEndpoints();
  const consumer = new EventHubConsumerClient(subscribeConsumerGroup, eventHubs, hub, { retryOptions });
  let subscription: Subscription | undefined;
  try {
    await checkHub(consumer, hub);
    subscription = consumer.subscribe(
      {
        processEvents: async (events) => {
          for (const { body } of events) follower.show(body);
        },
        processError: async (error) => {
          if (isRunning(state, follower)) follower.disturbed(error);
        },
      },
      { startPosition, maxWaitTimeInSeconds: 1 },
    );
    if (!isQuiet) console.error(`Following the alerts of hub "${hub}". Ctrl-C ends it.`);
    await follower.ended;
  } finally {
    await waitAtMost(closed(consumer, subscription), closeTimeoutMs, systemClock, (error) =>
      console.error(`The connection to the hub could not be closed: ${describeError(error)}`),
    );
  }
}

async function closed(
  consumer: EventHubConsumerClient,
  subscription: Subscription | undefined,
): Promise<void> {
  await subscription?.close();
  await consumer.close();
}

/** Before it subscribes, which would only go on trying. */
async function checkHub(consumer: EventHubConsumerClient, hub: string): Promise<void> {
  try {
    await consumer.getPartitionIds();
  } catch (error) {
    throw new TributaryError(
      'INPUT_INVALID',
      `Event hub "${hub}" of alerts.eventHub in pipeline.ts cannot be read: ${describeError(error)}. ` +
        'A stack that was started before the name was changed does not have it.',
      { cause: error },
    );
  }
}

/** A stack that has ended does not come back under the same address. */
function isRunning(state: StackState, follower: AlertFollower): boolean {
  try {
    state.readEndpoints();
    return true;
  } catch (error) {
    follower.fail(error);
    return false;
  }
}

function endOnSignals(follower: AlertFollower): void {
  let askedAtMs: number | undefined;
  const onSignal = () => {
    const nowMs = systemClock.nowMs();
    if (askedAtMs !== undefined && nowMs - askedAtMs > secondSignalAfterMs) process.exit(130);
    askedAtMs ??= nowMs;
    follower.end();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}
