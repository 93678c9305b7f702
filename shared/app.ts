// The composition root: settings -> App. The only file that reads the environment.
import { TableClient } from '@azure/data-tables';
import { DefaultAzureCredential } from '@azure/identity';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import pipeline from '../pipeline.js';
import { type OpenFileStream, openFileStream } from './autoloader/index.js';
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
import { Ingestor } from './ingest/index.js';
import type { Pipeline } from './pipeline/index.js';
import { summarizeTable, type TableSummary } from './progress/index.js';
import {
  createWebhookClient,
  secretProblem,
  undeliveredSchema,
  WebhookDelivery,
  webhookTargets,
} from './results/index.js';
import {
  createBlobLanding,
  createBlobStore,
  createContainerIfMissing,
  createLedgerTableIfMissing,
  createTableLedger,
  type Ledger,
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
  /**
   * Delivers to the pipeline's webhooks. Its settings are looked at here, not at start: a secret that is missing must not hold
   * up the readings. @throws TributaryError SETTING_MISSING, CONFIG_INVALID
   */
  webhooks(): WebhookDelivery;
  /** Names of the pipeline's tables. Those of file streams come with their first file: see `existingTables`. */
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

/** Where the tables are, inside the container. */
const tablesFolder = 'tables';
/** Storage table with what is known of landed files. */
const fileLedgerTable = 'TributaryFiles';

/**
 * Opens the lake and creates the tables that are missing.
 * Settings: `LakeStorage` (connection string) or `LakeStorage__blobServiceUri` (identity; `LakeStorage__clientId` names
 * a user-assigned one), `LakeContainer` (default `lake`). For streams of files also `LandingStorage`, or `LandingStorage__blobServiceUri`
 * and `LandingStorage__clientId`, and with an identity `LakeStorage__tableServiceUri`; `webhooks` reads those with the webhooks' secrets.
 * @throws TributaryError SETTING_MISSING, STORAGE_DENIED, STORAGE_UNAVAILABLE, and what opening a table throws
 */
export async function createApp(settings: Settings, logger: Logger = consoleLogger): Promise<App> {
  const container = lakeContainer(settings);
  assertLandsElsewhere(settings, container);
  await createContainerIfMissing(container);
  const store = createBlobStore({ container });
  const schemas: readonly (readonly [name: string, schema: StructType])[] = [
    [pipeline.tables.readings, readingSchema(pipeline)],
    [pipeline.tables.quarantine, quarantineSchema()],
    ...(pipeline.alerts.webhooks.length === 0
      ? []
      : [[pipeline.tables.undeliveredAlerts, undeliveredSchema()] as const]),
  ];
  const writers = await Promise.all(
    schemas.map(([name, schema]) => openWriter({ store, name, schema, logger })),
  );
  const [readings, quarantine, undelivered] = writers as [TableWriter, TableWriter, TableWriter?];
  const loadTable = tableLoader(store);
  const tableNames = [...schemas.map(([name]) => name), ...pipeline.files.map(({ table }) => table)];
  const existingTables = () => tablesThatExist(tableNames, loadTable);
  return {
    pipeline,
    ingestor: new Ingestor({
      decoder: createEventDecoder(pipeline),
      readings,
      quarantine,
      clock: systemClock,
      logger,
    }),
    webhooks: webhookOpener(settings, undelivered, logger),
    tableNames,
    existingTables,
    loadTable,
    upkeepOptions: (name) => ({ store, root: rootOf(name), clock: systemClock, random: systemRandom }),
    describeTables: async () => {
      const names = await existingTables();
      return Promise.all(names.map(async (name) => summarizeTable(name, (await loadTable(name)).snapshot)));
    },
    openFileStream: fileStreamOpener({ settings, store, logger }),
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

/** Opened on first use: who loads no files needs no settings for them. */
function fileStreamOpener(options: {
  readonly settings: Settings;
  readonly store: ObjectStore;
  readonly logger: Logger;
}): App['openFileStream'] {
  const { settings, store: lake, logger } = options;
  const streams = new Map<string, Promise<OpenFileStream>>();
  let ledger: Promise<Ledger> | undefined;
  const open = async (name: string): Promise<OpenFileStream> => {
    const stream = pipeline.files.find((candidate) => candidate.name === name);
    if (stream === undefined) throw unknownStream(name);
    const container = blobContainer(settings, stream.connection, stream.container);
    ledger ??= openLedger(settings);
    return openFileStream(stream, {
      ledger: await ledger,
      landing: createBlobLanding({ container }),
      lake,
      tableRoot: rootOf(stream.table),
      quarantineRoot: rootOf(pipeline.tables.quarantine),
      clock: systemClock,
      random: systemRandom,
      logger,
    });
  };
  return (name) => {
    const opening = streams.get(name) ?? open(name);
    streams.set(name, opening);
    opening.catch(() => {
      ledger = undefined;
      streams.delete(name); // the caller gets the error; the next one tries again
    });
    return opening;
  };
}

function unknownStream(name: string): TributaryError {
  const known = pipeline.files.map((stream) => stream.name).join(', ');
  const hint = known === '' ? 'pipeline.ts has none under "files".' : `There are: ${known}.`;
  return new TributaryError('INPUT_INVALID', `There is no stream of files called "${name}". ${hint}`);
}

/** A stream must not load the tables' own files. */
function assertLandsElsewhere(settings: Settings, lake: ContainerClient): void {
  const placeOf = ({ url }: ContainerClient) => url.split('?')[0];
  for (const { name, connection, container } of pipeline.files) {
    const isKnown = settings[connection] ?? settings[`${connection}__blobServiceUri`];
    if (isKnown === undefined || isKnown === '') continue;
    if (placeOf(blobContainer(settings, connection, container)) !== placeOf(lake)) continue;
    throw new TributaryError(
      'CONFIG_INVALID',
      `files.${name}.container: "${container}" is the container of the tables; files must land in another one.`,
    );
  }
}

async function openLedger(settings: Settings): Promise<Ledger> {
  const { LakeStorage: connectionString, LakeStorage__tableServiceUri: uri } = settings;
  let client: TableClient;
  if (connectionString !== undefined && connectionString !== '') {
    client = TableClient.fromConnectionString(connectionString, fileLedgerTable, {
      allowInsecureConnection: true, // Azurite; a connection string of Azure says https
    });
  } else if (uri !== undefined && uri !== '') {
    client = new TableClient(uri, fileLedgerTable, credentialOf(settings, 'LakeStorage'));
  } else {
    throw new TributaryError(
      'SETTING_MISSING',
      'Where is it written down which files were loaded? Set LakeStorage__tableServiceUri to the storage account ' +
        '(https://<account>.table.core.windows.net), to use the identity of the app, or LakeStorage to a connection string.',
    );
  }
  await createLedgerTableIfMissing(client);
  return createTableLedger(client);
}

function lakeContainer(settings: Settings): ContainerClient {
  return blobContainer(settings, 'LakeStorage', settings.LakeContainer ?? 'lake');
}

/** @param connection setting with a connection string, or prefix of `__blobServiceUri` and `__clientId` */
function blobContainer(settings: Settings, connection: string, container: string): ContainerClient {
  const connectionString = settings[connection];
  const uri = settings[`${connection}__blobServiceUri`];
  if (connectionString !== undefined && connectionString !== '')
    return BlobServiceClient.fromConnectionString(connectionString).getContainerClient(container);
  if (uri !== undefined && uri !== '')
    return new BlobServiceClient(uri, credentialOf(settings, connection)).getContainerClient(container);
  const what = connection === 'LakeStorage' ? 'the tables' : 'the files that land';
  throw new TributaryError(
    'SETTING_MISSING',
    `Where are ${what}? Set ${connection}__blobServiceUri to the storage account (https://<account>.blob.core.windows.net), ` +
      `to use the identity of the app, or ${connection} to a connection string.`,
  );
}

function credentialOf(settings: Settings, connection: string): DefaultAzureCredential {
  const clientId = settings[`${connection}__clientId`];
  return new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });
}
