// The composition root: settings -> App. The only file that reads the environment.
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
import type { Pipeline } from './pipeline/index.js';
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
import { hasShards, planShards, resultBytesOf, signalBreaches } from './shards/index.js';
import {
  type AccountSettings,
  blobContainerOf,
  createBlobLanding,
  createBlobStore,
  createContainerIfMissing,
  createLedgerTableIfMissing,
  createTableLedger,
  type Ledger,
  type ObjectStore,
  storeBelow,
  tableBesideContainer,
} from './storage/index.js';

export type Settings = Readonly<Record<string, string | undefined>>;

export interface LoadedTable {
  /** Rooted at the table's folder: paths of `snapshot.files`, decoded, are paths in it. */
  readonly store: ObjectStore;
  readonly snapshot: Snapshot;
}

export interface NamedTable extends LoadedTable {
  readonly name: string;
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
  /** Names of the pipeline's tables. Those of file streams come with their first file: see `existingTables`. */
  readonly tableNames: readonly string[];
  /** The newest versions of those that there are. */
  existingTables(): Promise<readonly NamedTable[]>;
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

/**
 * Opens the lake and creates the tables that are missing.
 * Settings (shared/storage has their forms): `LakeStorage` and `LakeContainer` (default `lake`) for the tables, `LandingStorage` for
 * files that land; `webhooks` reads those with the webhooks' secrets.
 * @throws TributaryError SETTING_MISSING, STORAGE_DENIED, STORAGE_UNAVAILABLE, and what opening a table throws
 */
export async function createApp(settings: Settings, logger: Logger = consoleLogger): Promise<App> {
  const container = blobContainerOf(lakeOf(settings), lakeContainerName(settings));
  assertLandsElsewhere(settings, container.url);
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
      const tables = await existingTables();
      return tables.map(({ name, snapshot }) => summarizeTable(name, snapshot));
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
  const kept = windows.definitions.filter(({ output }) => output === 'complete').map(({ name }) => name);
  const latest = new LatestState(await openLedger(settings, 'latest'), new Set(kept));
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
      maxOutboxBytes: plan.limits.maxOutboxBytes,
      resultBytes: (signal) => resultBytesOf(signal, plan),
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

async function tablesThatExist(names: readonly string[], loadTable: App['loadTable']): Promise<NamedTable[]> {
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        return [{ name, ...(await loadTable(name)) }];
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
    openLedger: () => openLedger(settings, 'files'),
    landingOf: ({ connection, container }) =>
      createBlobLanding({ container: blobContainerOf(landingOf(settings, connection), container) }),
    lake,
    rootOf,
    quarantineRoot: rootOf(pipeline.tables.quarantine),
    clock: systemClock,
    random: systemRandom,
    logger,
  });
}

/** A stream must not load the tables' own files. */
function assertLandsElsewhere(settings: Settings, lakeUrl: string): void {
  const placeOf = (url: string) => url.split('?')[0];
  for (const { name, connection, container } of pipeline.files) {
    const isKnown = settings[connection] ?? settings[`${connection}__blobServiceUri`];
    if (isKnown === undefined || isKnown === '') continue;
    const landing = blobContainerOf(landingOf(settings, connection), container);
    if (placeOf(landing.url) !== placeOf(lakeUrl)) continue;
    throw new TributaryError(
      'CONFIG_INVALID',
      `files.${name}.container: "${container}" is the container of the tables; files must land in another one.`,
    );
  }
}

/** Small tables beside the lake. */
async function openLedger(settings: Settings, purpose: 'files' | 'latest'): Promise<Ledger> {
  const client = tableBesideContainer(lakeOf(settings), purpose, lakeContainerName(settings));
  await createLedgerTableIfMissing(client);
  return createTableLedger(client);
}

function lakeContainerName({ LakeContainer = 'lake' }: Settings): string {
  return LakeContainer;
}

function lakeOf(settings: Settings): AccountSettings {
  return { settings, connection: 'LakeStorage', holds: 'the tables' };
}

function landingOf(settings: Settings, connection: string): AccountSettings {
  return { settings, connection, holds: 'the files that land' };
}
