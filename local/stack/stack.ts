// The processes behind `npm start`: Azurite, the Event Hubs emulator and the Functions host, started side by side where
// they can be, stopped in the order that loses nothing.
import { join } from 'node:path';
import { type Clock, describeError, TributaryError } from '../../shared/base/index.js';
import { azuriteConnectionString, startAzurite } from '../azurite/index.js';
import { type ChildService, startChildService } from './childService.js';
import { createLandingContainers } from './landingContainers.js';
import type { HubDefinition } from './pipelineHubs.js';
import { type LoggedNotice, ServiceLog } from './serviceLog.js';
import type { RunningService } from './stackLock.js';
import type { StackState } from './stackState.js';

export interface StackPorts {
  readonly blobPort: number;
  readonly queuePort: number;
  readonly tablePort: number;
  readonly eventHubsPort: number;
  readonly hostPort: number;
}

export interface StackOptions {
  readonly state: StackState;
  readonly ports: StackPorts;
  readonly hubs: readonly HubDefinition[];
  /** Names of the settings that the emulator's connection string goes to. */
  readonly connections: readonly string[];
  /** Where files land, and the settings that the functions find these containers by. */
  readonly landings: readonly { readonly connection: string; readonly container: string }[];
  readonly clock: Clock;
  /** Folder of the function app. Default: this project. */
  readonly app?: string;
  /** Told about each service as it becomes ready. */
  readonly onReady: (name: string, detail: string) => void;
  /** When it aborts while services are starting, no further ones are started. */
  readonly stopWanted: AbortSignal;
}

export interface EndedService {
  readonly name: string;
  readonly exitCode: number | null;
  readonly lastLines: readonly string[];
  readonly logFile: string;
}

export interface Stack {
  readonly storage: string;
  readonly eventHubs: string;
  readonly statusUrl: string;
  /** Resolves when a service ends that was not told to. */
  readonly ended: Promise<EndedService>;
  hostNotice(): LoggedNotice | undefined;
  /** Host, then emulator, then Azurite: each may still need the next one while it stops. Safe to call twice. */
  stop(): Promise<void>;
}

interface ServicePlan {
  readonly name: string;
  readonly logName: string;
  readonly start: (onLine: (line: string) => void) => Promise<ChildService>;
}

interface StartedService extends ServicePlan {
  readonly log: ServiceLog;
  readonly service: ChildService;
}

const root = join(import.meta.dirname, '..', '..', '..');

export const eventHubsConnectionString = (port: number) =>
  `Endpoint=sb://localhost:${port};SharedAccessKeyName=local;SharedAccessKey=local;UseDevelopmentEmulator=true`;

/** Host settings; they win over local.settings.json, which holds the same for the usual ports. */
function hostSettings({ ports, connections, landings }: StackOptions): Readonly<Record<string, string>> {
  const storage = azuriteConnectionString(ports);
  const eventHubs = eventHubsConnectionString(ports.eventHubsPort);
  return {
    // As the Functions Core Tools set it.
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    AzureWebJobsStorage: storage,
    LakeStorage: storage,
    ...Object.fromEntries(connections.map((name) => [name, eventHubs])),
    ...Object.fromEntries(landings.map(({ connection }) => [connection, storage])),
  };
}

function azuritePlan({ state, ports }: StackOptions): ServicePlan {
  return {
    name: 'Azurite',
    logName: 'azurite',
    start: async (onLine) => (await startAzurite({ folder: state.azuriteFolder, onLine, ...ports })).service,
  };
}

function hubArgument({ name, partitionCount, consumerGroups }: HubDefinition): string {
  const groups = consumerGroups.length === 0 ? '' : `:${consumerGroups.join(',')}`;
  return `${name}:${partitionCount}${groups}`;
}

function eventHubsPlan({ state, ports, hubs }: StackOptions): ServicePlan {
  const script = join(import.meta.dirname, '..', 'eventHubs', 'cli.js');
  return {
    name: 'Event Hubs emulator',
    logName: 'event-hubs',
    start: (onLine) =>
      startChildService({
        name: 'The Event Hubs emulator',
        script,
        args: [
          ...['--port', String(ports.eventHubsPort)],
          ...['--data', state.eventHubsFolder],
          ...hubs.flatMap((hub) => ['--hub', hubArgument(hub)]),
        ],
        isReady: (line) => line.startsWith('Event Hubs emulator is listening on'),
        onLine,
      }),
  };
}

function hostPlan(options: StackOptions): ServicePlan {
  const { state, ports, app = root } = options;
  const script = join(import.meta.dirname, '..', 'host', 'cli.js');
  const settings = Object.entries(hostSettings(options));
  return {
    name: 'Functions host',
    logName: 'host',
    start: (onLine) =>
      startChildService({
        name: 'The Functions host',
        script,
        args: [
          ...['--app', app],
          ...['--port', String(ports.hostPort)],
          ...['--durable-data', state.durableFolder],
          ...settings.flatMap(([name, value]) => ['--setting', `${name}=${value}`]),
        ],
        isReady: (line) => line.startsWith('Functions host is listening on'),
        onLine,
      }),
  };
}

/**
 * Without the host when `stopWanted` aborted in time; the caller stops what there is.
 * @throws TributaryError LOCAL_START_FAILED after everything that did start was stopped again
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { ports } = options;
  const stack = new RunningStack(options);
  try {
    await stack.startTogether([
      [azuritePlan(options), `blobs ${ports.blobPort}, queues ${ports.queuePort}, tables ${ports.tablePort}`],
      [eventHubsPlan(options), `port ${ports.eventHubsPort}`],
    ]);
    if (options.stopWanted.aborted) return stack;
    await createLandingContainers(
      stack.storage,
      options.landings.map(({ container }) => container),
    );
    await stack.startTogether([[hostPlan(options), `http://127.0.0.1:${ports.hostPort}`]]);
    return stack;
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

class RunningStack implements Stack {
  readonly storage: string;
  readonly eventHubs: string;
  readonly statusUrl: string;
  readonly ended: Promise<EndedService>;
  /** Last to be stopped first. */
  readonly #started: StartedService[] = [];
  #reportEnd: (ended: EndedService) => void = () => {};
  #stopping: Promise<void> | undefined;

  constructor(private readonly options: StackOptions) {
    const { ports } = options;
    this.storage = azuriteConnectionString(ports);
    this.eventHubs = eventHubsConnectionString(ports.eventHubsPort);
    this.statusUrl = `http://127.0.0.1:${ports.hostPort}/api/status`;
    this.ended = new Promise((resolve) => {
      this.#reportEnd = resolve;
    });
  }

  async startTogether(plans: readonly (readonly [plan: ServicePlan, detail: string])[]): Promise<void> {
    // Settled, not raced: a service that is still starting while another fails has to be stopped as well.
    const results = await Promise.allSettled(plans.map(([plan, detail]) => this.#start(plan, detail)));
    this.#started.sort((a, b) => stopRank(b.name) - stopRank(a.name));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    this.options.state.lock.recordServices(this.#started.map(runningService));
  }

  hostNotice(): LoggedNotice | undefined {
    return this.#started.find(({ logName }) => logName === 'host')?.log.latestNotice();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopInOrder();
    return this.#stopping;
  }

  async #stopInOrder(): Promise<void> {
    for (const { service, log } of [...this.#started].reverse()) {
      await service.stop();
      await log.close();
    }
  }

  async #start(plan: ServicePlan, detail: string): Promise<void> {
    const { state, clock, onReady } = this.options;
    const log = new ServiceLog(state.logFolder, plan.logName, clock);
    const startMs = clock.nowMs();
    try {
      const service = await plan.start(log.add);
      this.#started.push({ ...plan, log, service });
      onReady(plan.name, `${detail} (${((clock.nowMs() - startMs) / 1000).toFixed(1)} s)`);
      void service.exited.then((exitCode) => this.#noteEnd(plan.name, exitCode, log));
    } catch (error) {
      await log.close();
      if (error instanceof TributaryError) throw error;
      throw new TributaryError('LOCAL_START_FAILED', `${plan.name} failed: ${describeError(error)}`, {
        cause: error,
      });
    }
  }

  #noteEnd(name: string, exitCode: number | null, log: ServiceLog): void {
    if (this.#stopping !== undefined) return;
    this.#reportEnd({ name, exitCode, lastLines: log.lastLines(), logFile: log.file });
  }
}

const stopOrder = ['Functions host', 'Event Hubs emulator', 'Azurite'];

function stopRank(name: string): number {
  return stopOrder.indexOf(name);
}

function runningService({ name, service }: StartedService): RunningService {
  return { name, pid: service.pid };
}
