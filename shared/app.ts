// The composition root: settings -> App. The only file that reads the environment.
import { TableClient } from '@azure/data-tables';
import { DefaultAzureCredential } from '@azure/identity';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import pipeline from '../pipeline.js';
import { FileStreams, type OpenFileStream } from './autoloader/index.js';
import { createLogger, type Logger, systemClock, systemRandom, TributaryError } from './base/index.js';
import {
  addColumns,
  openTable,
  type Snapshot,
  type StructType,
  type TableReader,
  TableWriter,
  type UpkeepOptions,
} from './delta/index.js';
import { createEventDecoder, quarantineSchema, readingSchema } from './events/index.js';
import { Ingestor, ShardSignaller } from './ingest/index.js';
import { createHubSender, type EventSender } from './messaging/index.js';
import type { FileStream, Pipeline } from './pipeline/index.js';
import { summarizeTable, type TableSummary } from './progress/index.js';
import {
  cloudEventSource,
  createWebhookClient,
  fixShardCount,
  LatestState,
  pipelineTables,
  ResultPublisher,
  ResultTables,
  secretProblem,
  undeliveredSchema,
  WebhookDelivery,
  webhookTargets,
} from './results/index.js';
import { hasShards, planShards, signalBreaches } from './shards/index.js';
import {
  createBlobLanding,
  createBlobStore,
  createContainerIfMissing,
  createLedgerTableIfMissing,
  createTableLedger,
  type ObjectStore,
  storeBelow,
} from './storage/index.js';

export type Settings = Readonly<Record<string, string | undefined>>;

export interface LoadedTable {
  /** Rooted at the table's folder: paths of `snapshot.files`, decoded, are paths in it. */
  readonly store: ObjectStore;
  readonly snapshot: Snapshot;
}

export interface App {
  readonly pipeline: Pipeline;
  readonly ingestor: Ingestor;
  /** Undefined for a pipeline without windows and alerts. */
  readonly shards: AppShards | undefined;
  /**
   * Delivers to the pipeline's webhooks. Its settings are looked at here, not at start: a secret that is missing must not hold
   * up the readings. @throws TributaryError SETTING_MISSING, CONFIG_INVALID
   */
  webhooks(): WebhookDelivery;
  /** Names of the pipeline's tables. Those of file streams come with their first file. */
  readonly tableNames: readonly string[];
  existingTables(): Promise<readonly string[]>;
  /** The newest version. @throws TributaryError DELTA_TABLE_NOT_FOUND, and as opening a table does */
  loadTable(name: string): Promise<LoadedTable>;
  describeTables(): Promise<TableSummary[]>;
  /** For upkeep, which opens the table itself. */
  upkeepOptions(name: string): UpkeepOptions;
  /**
   * One of the pipeline's streams of files.
   * @throws TributaryError SETTING_MISSING, CONFIG_INVALID, INPUT_INVALID for a name that is none
   */
  openFileStream(name: string): Promise<OpenFileStream>;
}

export interface AppShards {
  readonly signaller: ShardSignaller;
  readonly publisher: ResultPublisher;
  readonly latest: LatestState;
}

/** Where the tables are, inside the container. */
const tablesFolder = 'tables';
/** Of the table service. */
const maxTableName = 63;

/**
 * Opens the lake and creates the tables that are missing.
 * Settings: `LakeStorage` (connection string) or `LakeStorage__blobServiceUri` (identity; `LakeStorage__clientId` names
 * a user-assigned one; the table service is beside it, or at `LakeStorage__tableServiceUri`), `LakeContainer` (default `lake`);
 * `webhooks` reads those with the webhooks' secrets, `openFileStream` `LandingStorage` (or the stream's `connection`), or
 * `LandingStorage__blobServiceUri` and `LandingStorage__clientId`.
 * @throws TributaryError SETTING_MISSING, STORAGE_DENIED, STORAGE_UNAVAILABLE, and what opening a table throws
 */
export async function createApp(settings: Settings, logger: Logger = consoleLogger): Promise<App> {
  const container = lakeContainer(settings);
  assertLandsElsewhere(settings, container);
  await createContainerIfMissing(container);
  const store = createBlobStore({ container });
  const open = (name: string, schema: StructType) => openWriter({ store, name, schema, logger });
  const [readings, quarantine, undelivered] = await Promise.all([
    open(pipeline.tables.readings, readingSchema(pipeline)),
    open(pipeline.tables.quarantine, quarantineSchema()),
    pipeline.alerts.webhooks.length === 0
      ? undefined
      : open(pipeline.tables.undeliveredAlerts, undeliveredSchema()),
  ]);
  const shards = hasShards(pipeline)
    ? await openShards({ settings, store, quarantine, open, logger })
    : undefined;
  const loadTable = tableLoader(store);
  const tableNames = [...pipelineTables(pipeline), ...pipeline.files.map(({ table }) => table)];
  const existingTables = () => tablesThatExist(tableNames, loadTable);
  const files = openFileStreams(settings, store, logger);
  return {
    pipeline,
    ingestor: new Ingestor({
      decoder: createEventDecoder(pipeline),
      readings,
      quarantine,
      clock: systemClock,
      logger,
    }),
    shards,
    webhooks: webhookOpener(settings, undelivered, logger),
    tableNames,
    existingTables,
    loadTable,
    upkeepOptions: (name) => ({ store, root: rootOf(name), clock: systemClock, random: systemRandom }),
    describeTables: async () => {
      const names = await existingTables();
      return Promise.all(names.map(async (name) => summarizeTable(name, (await loadTable(name)).snapshot)));
    },
    openFileStream: (name) => files.open(name),
  };
}

async function openShards(options: {
  readonly settings: Settings;
  readonly store: ObjectStore;
  readonly quarantine: TableWriter;
  readonly open: (name: string, schema: StructType) => Promise<TableWriter>;
  readonly logger: Logger;
}): Promise<AppShards> {
  const { settings, store, quarantine, open, logger } = options;
  const { tables, windows } = pipeline;
  await fixShardCount(store, windows.shards);
  const resultTables = new ResultTables(pipeline);
  const { schemas } = resultTables;
  const latestTable = lakeTable(settings, 'latest');
  await createLedgerTableIfMissing(latestTable);
  const kept = windows.definitions.filter(({ output }) => output === 'complete').map(({ name }) => name);
  const latest = new LatestState(createTableLedger(latestTable), new Set(kept));
  const [ofWindows, ofAlerts, ofLateReadings] = await Promise.all([
    open(tables.windows, schemas.windows),
    open(tables.alerts, schemas.alerts),
    open(tables.lateReadings, schemas.lateReadings),
  ]);
  const plan = planShards(pipeline);
  const hasAlerts = pipeline.alerts.rules.length > 0 || pipeline.alerts.silence !== undefined;
  return {
    latest,
    signaller: new ShardSignaller({
      shardCount: windows.shards,
      fields: plan.fields,
      mayBreach: (signal) => signalBreaches(signal, plan),
      clock: systemClock,
      logger,
    }),
    publisher: new ResultPublisher({
      tables: resultTables,
      appenders: { windows: ofWindows, alerts: ofAlerts, lateReadings: ofLateReadings, quarantine },
      alerts: hasAlerts ? alertSender(settings) : undefined,
      alertSource: cloudEventSource(pipeline.source.eventHub),
      latest,
      clock: systemClock,
      logger,
    }),
  };
}

let running: Promise<App> | undefined;

/** The app of this process, made from the environment on first use. A failed start is tried again on the next call. */
export function getApp(): Promise<App> {
  running ??= createApp(process.env).catch((error: unknown) => {
    running = undefined;
    throw error;
  });
  return running;
}

const consoleLogger = createLogger((line, level) => console[level](line), 'info');

/** One for the life of the app: it remembers what it has delivered. */
function webhookOpener(settings: Settings, table: TableWriter | undefined, logger: Logger): App['webhooks'] {
  let opened: WebhookDelivery | undefined;
  return () => {
    if (table === undefined)
      throw new TributaryError('CONFIG_INVALID', 'pipeline.ts has no alerts.webhooks.');
    opened ??= new WebhookDelivery({
      targets: webhookTargets(pipeline.alerts.webhooks, settings, secretProblem),
      post: createWebhookClient(systemClock),
      table,
      clock: systemClock,
      random: systemRandom,
      logger,
    });
    return opened;
  };
}

async function openWriter(options: {
  readonly store: ObjectStore;
  readonly name: string;
  readonly schema: StructType;
  readonly logger: Logger;
}): Promise<TableWriter> {
  const { store, name, schema, logger } = options;
  const writer = new TableWriter({
    store,
    root: rootOf(name),
    name,
    schema,
    clock: systemClock,
    random: systemRandom,
    logger,
  });
  const snapshot = await writer.snapshot();
  // A field added to pipeline.ts becomes a column; the writer learns of it from the log.
  const widened = await addColumns({
    store,
    root: rootOf(name),
    schema,
    snapshot,
    clock: systemClock,
    random: systemRandom,
  });
  if (widened.kind === 'added') {
    logger.log('info', 'The table got new columns', { table: name, columns: widened.columns.join(', ') });
  }
  return writer;
}

/** Readers of their own: a writer's must see every commit in turn, and a person's look must not wait for appends. */
function tableLoader(store: ObjectStore): App['loadTable'] {
  const readers = new Map<string, Promise<TableReader>>();
  return async (name) => {
    const root = rootOf(name);
    const opening = readers.get(name) ?? openTable({ store, root, clock: systemClock });
    readers.set(name, opening);
    opening.catch(() => readers.delete(name)); // the caller gets the error; the next one tries again
    const snapshot = await (await opening).refresh();
    return { store: storeBelow(store, root), snapshot };
  };
}

function rootOf(name: string): string {
  return `${tablesFolder}/${name}`;
}

async function tablesThatExist(names: readonly string[], loadTable: App['loadTable']): Promise<string[]> {
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        await loadTable(name);
        return [name];
      } catch (error) {
        if (error instanceof TributaryError && error.code === 'DELTA_TABLE_NOT_FOUND') return [];
        throw error;
      }
    }),
  );
  return found.flat();
}

function openFileStreams(settings: Settings, lake: ObjectStore, logger: Logger): FileStreams {
  return new FileStreams({
    streams: pipeline.files,
    openLedger: async () => {
      const table = lakeTable(settings, 'files');
      await createLedgerTableIfMissing(table);
      return createTableLedger(table);
    },
    landingOf: (stream) => createBlobLanding({ container: landingContainer(settings, stream) }),
    lake,
    rootOf,
    quarantineRoot: rootOf(pipeline.tables.quarantine),
    clock: systemClock,
    random: systemRandom,
    logger,
  });
}

function landingContainer(settings: Settings, { connection, container }: FileStream): ContainerClient {
  const connectionString = settings[connection];
  const uri = settings[`${connection}__blobServiceUri`];
  if (connectionString !== undefined && connectionString !== '')
    return BlobServiceClient.fromConnectionString(connectionString).getContainerClient(container);
  if (uri === undefined || uri === '') {
    throw new TributaryError(
      'SETTING_MISSING',
      `Where do files land? Set ${connection}__blobServiceUri to the storage account (https://<account>.blob.core.windows.net), ` +
        `to use the identity of the app, or ${connection} to a connection string.`,
    );
  }
  const clientId = settings[`${connection}__clientId`];
  const credential = new DefaultAzureCredential(
    clientId === undefined ? {} : { managedIdentityClientId: clientId },
  );
  return new BlobServiceClient(uri, credential).getContainerClient(container);
}

/** A stream must not load the tables' own files. */
function assertLandsElsewhere(settings: Settings, lake: ContainerClient): void {
  const placeOf = ({ url }: ContainerClient) => url.split('?')[0];
  for (const stream of pipeline.files) {
    const { name, connection, container } = stream;
    const isSet = [connection, `${connection}__blobServiceUri`].some((key) => (settings[key] ?? '') !== '');
    if (!isSet || placeOf(landingContainer(settings, stream)) !== placeOf(lake)) continue;
    throw new TributaryError(
      'CONFIG_INVALID',
      `files.${name}.container: "${container}" is the container of the tables; files must land in another one.`,
    );
  }
}

function lakeContainer(settings: Settings): ContainerClient {
  const { LakeContainer: name = 'lake' } = settings;
  const lake = lakeAccount(settings);
  const service =
    lake.kind === 'connectionString'
      ? BlobServiceClient.fromConnectionString(lake.connectionString)
      : new BlobServiceClient(lake.uri, lake.credential);
  return service.getContainerClient(name);
}

/** A small table of the lake: its name carries that of the container, so that lakes of one account do not meet. */
function lakeTable(settings: Settings, purpose: string): TableClient {
  const { LakeContainer: container = 'lake', LakeStorage__tableServiceUri: tableUri } = settings;
  const name = `${purpose}${container.replaceAll('-', '')}`.slice(0, maxTableName);
  const lake = lakeAccount(settings);
  if (lake.kind === 'connectionString') {
    // Azurite speaks HTTP; Azure's own connection strings say HTTPS.
    return TableClient.fromConnectionString(lake.connectionString, name, { allowInsecureConnection: true });
  }
  return new TableClient(tableUri ?? lake.uri.replace('.blob.', '.table.'), name, lake.credential);
}

/** Opened by the first alert: commands that only read have no connection to the hub. */
function alertSender(settings: Settings): Pick<EventSender, 'send'> {
  let sender: EventSender | undefined;
  return {
    send: async (events) => {
      sender ??= createHubSender({ ...pipeline.alerts, settings });
      await sender.send(events);
    },
  };
}

type LakeAccount =
  | { readonly kind: 'connectionString'; readonly connectionString: string }
  | { readonly kind: 'identity'; readonly uri: string; readonly credential: DefaultAzureCredential };

function lakeAccount(settings: Settings): LakeAccount {
  const { LakeStorage: connectionString, LakeStorage__blobServiceUri: uri } = settings;
  if (connectionString !== undefined && connectionString !== '') {
    return { kind: 'connectionString', connectionString };
  }
  if (uri === undefined || uri === '') {
    throw new TributaryError(
      'SETTING_MISSING',
      'Where are the tables? Set LakeStorage__blobServiceUri to the storage account (https://<account>.blob.core.windows.net), ' +
        'to use the identity of the app, or LakeStorage to a connection string.',
    );
  }
  const clientId = settings.LakeStorage__clientId;
  const credential = new DefaultAzureCredential(
    clientId === undefined ? {} : { managedIdentityClientId: clientId },
  );
  return { kind: 'identity', uri, credential };
}
