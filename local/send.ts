// `npm run send`: readings from files to the event hub of the running stack.
import { systemClock, TributaryError } from '../shared/base/index.js';
import { exitCodes, runCommand, userPath } from './commandLine/command.js';
import { BadLines } from './sending/badLines.js';
import { type EventPublisher, isUnknownHub, openPublisher } from './sending/publisher.js';
import { checkFiles, displayName, readReadings, readWhole, standardInput } from './sending/readingFiles.js';
import { type SendOptions, sendCommand } from './sending/sendArguments.js';
import { SendQueue } from './sending/sendQueue.js';
import { reportLines, type SendReport } from './sending/sendReport.js';
import { type Endpoints, StackState } from './stack/stackState.js';
import { formatCount, formatRate } from './terminal/index.js';

/** An event hub takes about this much in one event; a larger file cannot be sent whole. */
const largestEventBytes = 1_048_576;
/** Removes the progress line, where there is one. */
const clearLine = process.stderr.isTTY === true ? '\r\x1b[K' : '';
const progressMs = 1000;

await runCommand(sendCommand, async (options, names) => {
  const files = names.map((name) => (name === standardInput ? name : userPath(name)));
  checkFiles(files);
  const endpoints = new StackState(options.state).readEndpoints();
  const hub = options.hub ?? endpoints.hubs[0] ?? '';
  const badLines = new BadLines((message) => console.error(`${clearLine}${message}`));
  const publisher = await open(endpoints, hub);
  const startMs = systemClock.nowMs();
  const queue = new SendQueue({
    publisher,
    clock: systemClock,
    deviceKey: options['device-key'],
    readingsPerEvent: options.batch,
    eventsPerSecond: options.rate,
  });
  const progress = showProgress(queue, startMs);
  try {
    for (const file of files) {
      if (options['whole-file']) await sendWhole(file, queue, badLines);
      else await sendReadings(file, queue, badLines);
    }
    await queue.finish();
  } finally {
    progress.stop();
    await publisher.close();
  }
  const report: SendReport = {
    ...queue.counts,
    hub,
    badLines: badLines.count,
    elapsedMs: systemClock.nowMs() - startMs,
  };
  console.log(reportLines(report).join('\n'));
  return exitCode(options, badLines.count);
});

function exitCode(options: SendOptions, badLines: number): number {
  return badLines > 0 && !options['skip-bad'] ? exitCodes.failed : exitCodes.done;
}

async function open(endpoints: Endpoints, hub: string): Promise<EventPublisher> {
  try {
    return await openPublisher({ connectionString: endpoints.eventHubs, hub });
  } catch (error) {
    if (!isUnknownHub(error)) throw error;
    throw new TributaryError(
      'INPUT_INVALID',
      `There is no event hub "${hub}". This stack has: ${endpoints.hubs.join(', ')}.`,
    );
  }
}

async function sendReadings(file: string, queue: SendQueue, badLines: BadLines): Promise<void> {
  for await (const found of readReadings(file)) {
    for (const item of found) {
      if (item.kind === 'bad') badLines.report(displayName(file), item.line, item.reason);
      else await queue.addReading(item.value, item.text);
    }
    // What came in one piece goes out soon, also when the next piece takes its time (`tail -f`).
    await queue.flush();
  }
}

async function sendWhole(file: string, queue: SendQueue, badLines: BadLines): Promise<void> {
  const body = await readWhole(file, largestEventBytes);
  let readings: unknown;
  try {
    readings = JSON.parse(body.toString('utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    badLines.report(displayName(file), 1, `the file is not one JSON document: ${String(error)}`);
    return;
  }
  await queue.addEvent(body, Array.isArray(readings) ? readings.length : 1);
}

/** One line that is written over itself, on a terminal only. */
function showProgress(queue: SendQueue, startMs: number): { stop(): void } {
  if (process.stderr.isTTY !== true) return { stop: () => {} };
  const timer = setInterval(() => {
    const { events, readings } = queue.counts;
    const perSecond = (events * 1000) / (systemClock.nowMs() - startMs);
    process.stderr.write(
      `${clearLine}${formatCount(readings)} readings in ${formatCount(events)} events, ${formatRate(perSecond)}`,
    );
  }, progressMs);
  return {
    stop() {
      clearInterval(timer);
      process.stderr.write(clearLine);
    },
  };
}
