// The whole local stack on free ports and in a temporary folder: Azurite and the hub emulator for a test's life time,
// Functions hosts as child processes that the test may kill.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EventHubConsumerClient, EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { type Azurite, startAzurite } from '../../local/azurite/index.js';
import { type EventHubsEmulator, startEventHubsEmulator } from '../../local/eventHubs/index.js';
import { createAppFolder } from '../../local/stack/appFolder.js';
import { type ChildService, startChildService } from '../../local/stack/childService.js';
import { hubsOf } from '../../local/stack/pipelineHubs.js';
import pipeline from '../../pipeline.js';
import { type App, createApp } from '../../shared/app.js';
import type { PipelineDefinition } from '../../shared/pipeline/index.js';
import { type Cleanup, reverseCleanup } from './cleanup.js';
import { checkpointedEvents, retryOptions } from './eventHubClients.js';
import { until as waitUntil } from './waiting.js';

export const hubName = 'sensor-data';
export const partitionCount = 4;
/** For the test's own look at the events: the host's readers keep others out of `$Default`. */
const auditGroup = 'audit';
export const hubDefinition = { name: hubName, partitionCount, consumerGroups: ['$Default', auditGroup] };
const hubs = hubsOf(pipeline, partitionCount).map((hub) => ({
  ...hub,
  consumerGroups: ['$Default', auditGroup, ...hub.consumerGroups],
}));

const root = join(import.meta.dirname, '..', '..', '..');

export interface RunningHost extends ChildService {
  readonly url: string;
}

export class LocalStack {
  readonly logLines: string[] = [];

  private constructor(
    private readonly cleanup: Cleanup,
    readonly folder: string,
    readonly azurite: Azurite,
    readonly emulator: EventHubsEmulator,
    private readonly appFolder: string,
  ) {}

  /** @param definition a pipeline in place of the project's own; its hub must be `sensor-data` */
  static async start(t: Cleanup, definition?: PipelineDefinition): Promise<LocalStack> {
    const cleanup = reverseCleanup(t);
    const folder = mkdtempSync(join(tmpdir(), 'tributary-stack-'));
    cleanup.after(() => rmSync(folder, { recursive: true, force: true }));
    const azurite = await startAzurite({
      folder: join(folder, 'azurite'),
      blobPort: 0,
      queuePort: 0,
      tablePort: 0,
    });
    cleanup.after(() => azurite.stop());
    const emulator = await startEventHubsEmulator({
      port: 0,
      dataFolder: join(folder, 'event-hubs'),
      hubs: [hubDefinition, ...hubs.filter(({ name }) => name !== hubName)],
    });
    cleanup.after(() => emulator.stop());
    const appFolder = definition === undefined ? root : join(folder, 'app');
    if (definition !== undefined) createAppFolder(appFolder, definition);
    return new LocalStack(cleanup, folder, azurite, emulator, appFolder);
  }

  get settings(): Record<string, string> {
    return {
      FUNCTIONS_WORKER_RUNTIME: 'node',
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      AzureWebJobsStorage: this.azurite.connectionString,
      LakeStorage: this.azurite.connectionString,
      LandingStorage: this.azurite.connectionString,
      EventHubs: this.emulator.connectionString,
    };
  }

  /**
   * The function app in a child process, as `npm start` runs it.
   * @param instance a host that comes back under its name goes on at once; each name has a Durable backend of its own
   */
  async startHost(instance = 'host', extraArgs: readonly string[] = []): Promise<RunningHost> {
    let url = '';
    const service = await startChildService({
      name: 'Functions host',
      script: join(root, 'dist', 'local', 'host', 'cli.js'),
      args: [
        ...['--app', this.appFolder],
        ...['--port', '0'],
        ...['--instance', instance],
        ...['--durable-data', join(this.folder, `durable-${instance}`)],
        ...Object.entries(this.settings).flatMap(([name, value]) => ['--setting', `${name}=${value}`]),
        ...extraArgs,
      ],
      isReady: (line) => {
        url = /^Functions host is listening on (http\S+)/.exec(line)?.[1] ?? '';
        return url !== '';
      },
      onLine: (line) => this.logLines.push(line),
    });
    this.cleanup.after(() => service.stop());
    return { ...service, url };
  }

  /** The same tables, seen from the test's process. */
  async openApp(): Promise<App> {
    if (this.appFolder === root) return createApp(this.settings);
    const path = join(this.appFolder, 'dist', 'shared', 'app.js');
    const module = (await import(pathToFileURL(path).href)) as { readonly createApp: typeof createApp };
    return module.createApp(this.settings);
  }

  /** Events that lie before the hosts' checkpoints. */
  checkpointedEvents(): Promise<number> {
    const service = BlobServiceClient.fromConnectionString(this.azurite.connectionString);
    return checkpointedEvents(service.getContainerClient('azure-webjobs-eventhub'));
  }

  createProducer(): EventHubProducerClient {
    const producer = new EventHubProducerClient(this.emulator.connectionString, hubName, { retryOptions });
    this.cleanup.after(() => producer.close());
    return producer;
  }

  createConsumer(hub = hubName): EventHubConsumerClient {
    const consumer = new EventHubConsumerClient(auditGroup, this.emulator.connectionString, hub, {
      retryOptions,
    });
    this.cleanup.after(() => consumer.close());
    return consumer;
  }
}

/** `until` of waiting.ts with a limit of its own. @throws Error with `describe()` when it does not hold in time */
export function until(
  condition: () => boolean | Promise<boolean>,
  options: { readonly timeoutMs: number; readonly describe: () => string; readonly everyMs?: number },
): Promise<void> {
  return waitUntil(condition, options.describe, options.timeoutMs, options.everyMs);
}
