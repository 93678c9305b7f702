// One run of `npm start`, from the first service to the summary.
import type { Clock } from '../../shared/base/index.js';
import type { Pipeline } from '../../shared/pipeline/index.js';
import { exitCodes } from '../commandLine/command.js';
import { type EventPublisher, openPublisher } from '../sending/publisher.js';
import { compressText, createFleet, type Simulator, startSimulator } from '../simulator/index.js';
import { connectionsOf, hubsOf } from '../stack/pipelineHubs.js';
import { RateMeter } from '../stack/rateMeter.js';
import { type EndedService, type Stack, type StackPorts, startStack } from '../stack/stack.js';
import type { StackState } from '../stack/stackState.js';
import { type StackReading, StatusMonitor } from '../stack/statusMonitor.js';
import {
  chooseStyle,
  LiveScreen,
  type LiveStatus,
  layoutLiveFrame,
  layoutStatusLine,
  type Style,
  terminalWidth,
  totalLag,
} from '../terminal/index.js';
import { mixOf, type StartOptions } from './startArguments.js';
import { type RunSummary, summaryLines, whereToSendLines } from './startMessages.js';

export interface SessionOptions {
  readonly options: StartOptions;
  readonly state: StackState;
  readonly ports: StackPorts;
  readonly pipeline: Pipeline;
  readonly clock: Clock;
}

/** Why the session ends. */
type Ending =
  | { readonly kind: 'asked' }
  | { readonly kind: 'finished' }
  | { readonly kind: 'serviceEnded'; readonly service: EndedService };

const redrawMs = 1000;
const plainLineMs = 5000;
const drainTimeoutMs = 60_000;
const usualPartitionCount = 4;
/** One Ctrl-C can arrive twice, from the terminal and handed on by npm. */
const secondSignalAfterMs = 500;

export class StartSession {
  readonly #session: SessionOptions;
  readonly #startMs: number;
  readonly #style: Style;
  readonly #asked = new AbortController();
  readonly #sentRate = new RateMeter(5000);
  #askedAtMs = 0;
  #screen: LiveScreen | undefined;
  #simulator: Simulator | undefined;
  #simulating = false;
  #isRunning = false;
  #baseline: StackReading | undefined;

  constructor(session: SessionOptions) {
    this.#session = session;
    this.#startMs = session.clock.nowMs();
    this.#style = chooseStyle(process.stdout.isTTY === true, process.env);
  }

  /** @returns the exit code */
  async run(): Promise<number> {
    const onSignal = (signal: NodeJS.Signals) => this.#onSignal(signal);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
    // Nobody reads any more: the terminal was closed, or `npm start | head` has seen enough.
    process.stdout.on('error', () => this.#asked.abort());
    const stack = await this.#start();
    try {
      if (this.#asked.signal.aborted) return exitCodes.done;
      this.#isRunning = true;
      return await this.#watch(stack);
    } finally {
      this.#screen?.close();
      await stack.stop();
    }
  }

  async #start(): Promise<Stack> {
    const { options, state, ports, pipeline, clock } = this.#session;
    const partitionCount = options.partitions ?? state.partitionCount ?? usualPartitionCount;
    const hubs = hubsOf(pipeline, partitionCount);
    const stack = await startStack({
      state,
      ports,
      clock,
      stopWanted: this.#asked.signal,
      hubs,
      connections: connectionsOf(pipeline),
      landings: pipeline.files,
      onReady: (name, detail) => console.log(`${this.#style.green('ready')}  ${name.padEnd(20)} ${detail}`),
    });
    state.rememberPartitionCount(partitionCount);
    const { storage, eventHubs, statusUrl } = stack;
    state.writeEndpoints({
      pid: process.pid,
      storage,
      eventHubs,
      hubs: hubs.map(({ name }) => name),
      statusUrl,
    });
    return stack;
  }

  async #watch(stack: Stack): Promise<number> {
    const { options, pipeline, clock, state } = this.#session;
    const { tables } = pipeline;
    const hub = pipeline.source.eventHub;
    const { statusUrl, eventHubs } = stack;
    const monitor = new StatusMonitor({ statusUrl, eventHubs, hub, readingsTable: tables.readings, clock });
    let publisher: EventPublisher | undefined;
    try {
      this.#baseline = await monitor.refresh();
      if (options['no-simulate']) console.log(whereToSendLines(stack, hub, state.stateOption).join('\n'));
      else {
        publisher = await openPublisher({ connectionString: eventHubs, hub });
        this.#simulator = this.#startSimulator(publisher);
        console.log(`\nIn another terminal:  npm run tables   npm run show -- ${tables.readings}\n`);
      }
      const ending = await this.#showUntilEnd(stack, monitor);
      return await this.#end(ending, stack, monitor);
    } finally {
      await Promise.all([monitor.close(), publisher?.close()]);
    }
  }

  #startSimulator(publisher: EventPublisher): Simulator {
    const { options, clock } = this.#session;
    this.#simulating = true;
    const simulator = startSimulator({
      fleet: createFleet({
        deviceCount: options.devices,
        seed: options.seed,
        mix: mixOf(options),
        fastClocks: options['clock-skew'],
        fractionBatteries: 0.2,
        compress: compressText,
      }),
      publisher,
      eventsPerSecond: options.rate,
      clock,
      ...(options.duration === undefined ? {} : { durationMs: options.duration }),
    });
    void simulator.finished.then(() => {
      this.#simulating = false;
    });
    return simulator;
  }

  async #showUntilEnd(stack: Stack, monitor: StatusMonitor): Promise<Ending> {
    const ended = new AbortController();
    const drawing = this.#draw(stack, monitor, ended.signal);
    const polling = this.#poll(monitor, ended.signal);
    const endings: Promise<Ending>[] = [
      aborted(this.#asked.signal).then(() => ({ kind: 'asked' })),
      stack.ended.then((service) => ({ kind: 'serviceEnded', service })),
    ];
    if (this.#session.options.duration !== undefined) endings.push(this.#drained(monitor, ended.signal));
    const ending = await Promise.race(endings);
    ended.abort();
    await Promise.all([drawing, polling]);
    return ending;
  }

  async #poll(monitor: StatusMonitor, ended: AbortSignal): Promise<void> {
    const { clock } = this.#session;
    while (!ended.aborted) {
      const startMs = clock.nowMs();
      await monitor.refresh();
      await clock.sleep(Math.max(50, redrawMs - (clock.nowMs() - startMs)), ended);
    }
  }

  async #draw(stack: Stack, monitor: StatusMonitor, ended: AbortSignal): Promise<void> {
    const { clock, options } = this.#session;
    const live = process.stdout.isTTY === true && !options.plain;
    if (live) this.#screen = new LiveScreen(process.stdout);
    let nextLineMs = clock.nowMs() + redrawMs;
    while (!ended.aborted) {
      const status = this.#status(stack, monitor.reading);
      if (this.#screen !== undefined)
        this.#screen.draw(layoutLiveFrame(status, terminalWidth(process.stdout), this.#style));
      else if (clock.nowMs() >= nextLineMs) {
        console.log(layoutStatusLine(status));
        nextLineMs += plainLineMs;
      }
      await clock.sleep(redrawMs, ended);
    }
  }

  /** After --duration: all that was sent is in the tables, or it has taken too long. */
  async #drained(monitor: StatusMonitor, ended: AbortSignal): Promise<Ending> {
    const { clock } = this.#session;
    await this.#simulator?.finished;
    const deadlineMs = clock.nowMs() + drainTimeoutMs;
    // A reading from before the end of sending knows nothing of the last events.
    await monitor.refresh();
    while (!ended.aborted && totalLag(monitor.reading.lag) !== 0 && clock.nowMs() < deadlineMs) {
      await clock.sleep(200, ended);
      await monitor.refresh();
    }
    return { kind: 'finished' };
  }

  #status(stack: Stack, reading: StackReading): LiveStatus {
    const { clock, options } = this.#session;
    const { tables } = this.#session.pipeline;
    const nowMs = clock.nowMs();
    const rowsOf = (name: string, from: StackReading | undefined) => rowCount(from, name);
    const rows = rowsOf(tables.readings, reading);
    const rowsBefore = rowsOf(tables.readings, this.#baseline);
    const notice = stack.hostNotice();
    return {
      uptimeMs: nowMs - this.#startMs,
      sending: this.#sending(nowMs, options.rate),
      rows,
      rowsThisRun: rows === undefined || rowsBefore === undefined ? undefined : rows - rowsBefore,
      rowsPerSecond: reading.rowsPerSecond,
      quarantined: rowsOf(tables.quarantine, reading),
      lag: reading.lag,
      tables: reading.tables ?? [],
      statusProblem: reading.problem,
      notice: notice && { level: notice.level, text: notice.text, ageMs: nowMs - notice.atMs },
    };
  }

  #sending(nowMs: number, targetPerSecond: number): LiveStatus['sending'] {
    const tally = this.#simulator?.tally();
    if (tally === undefined) return undefined;
    this.#sentRate.add(nowMs, tally.events);
    return {
      state: this.#simulating ? 'sending' : 'stopped',
      events: tally.events,
      eventsPerSecond: this.#sentRate.perSecond() ?? 0,
      targetPerSecond,
      failedEvents: tally.uncertainEvents,
      lastError: tally.lastError,
    };
  }

  async #end(ending: Ending, stack: Stack, monitor: StatusMonitor): Promise<number> {
    this.#screen?.close();
    this.#screen = undefined;
    console.log(
      '\nStopping the simulator, the host, the emulator, Azurite (Ctrl-C again ends them at once) ...',
    );
    await this.#simulator?.stop();
    const last = ending.kind === 'serviceEnded' ? monitor.reading : await monitor.refresh();
    await stack.stop();
    if (ending.kind === 'serviceEnded') {
      console.error(this.#style.red(endedMessage(ending.service)));
      return exitCodes.failed;
    }
    console.log(summaryLines(this.#summary(last)).join('\n'));
    return exitCodes.done;
  }

  #summary(last: StackReading): RunSummary {
    const { clock, state } = this.#session;
    const { tables } = this.#session.pipeline;
    return {
      elapsedMs: clock.nowMs() - this.#startMs,
      tally: this.#simulator?.tally(),
      readings: { before: rowCount(this.#baseline, tables.readings), after: rowCount(last, tables.readings) },
      quarantined: {
        before: rowCount(this.#baseline, tables.quarantine),
        after: rowCount(last, tables.quarantine),
      },
      waitingEvents: totalLag(last.lag),
      stateFolder: state.folder,
      stateOption: state.stateOption,
      readingsTable: tables.readings,
    };
  }

  #onSignal(signal: NodeJS.Signals): void {
    const nowMs = this.#session.clock.nowMs();
    if (!this.#asked.signal.aborted) {
      this.#askedAtMs = nowMs;
      this.#asked.abort();
      if (!this.#isRunning) console.log('Stopping what has been started ...');
      return;
    }
    if (signal !== 'SIGINT' || nowMs - this.#askedAtMs < secondSignalAfterMs) return;
    this.#screen?.close();
    console.error('Ended at once; nothing committed is lost.');
    // childService kills the children when this process exits.
    process.exit(130);
  }
}

function rowCount(reading: StackReading | undefined, table: string): number | undefined {
  if (reading?.tables === undefined) return undefined;
  const found = reading.tables.find(({ name }) => name === table);
  // A table that does not exist yet has no rows; one without statistics has an unknown number.
  return found === undefined ? 0 : (found.rows ?? undefined);
}

function endedMessage({ name, exitCode, lastLines, logFile }: EndedService): string {
  const how = exitCode === null ? 'was killed' : `ended with exit code ${exitCode}`;
  const output =
    lastLines.length === 0 ? 'It printed nothing.' : `Its last output:\n  ${lastLines.join('\n  ')}`;
  return `${name} ${how} while everything else was running, so all of it was stopped.\n${output}\nAll of its output: ${logFile}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
