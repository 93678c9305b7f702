// The ledger on Azure Tables (or Azurite).
import { odata, RestError, type TableClient, type TransactionAction } from '@azure/data-tables';
import { TributaryError } from '../base/index.js';
import { storageError } from './blobErrors.js';
import type {
  Ledger,
  LedgerChange,
  LedgerChangeResult,
  LedgerKey,
  LedgerRange,
  LedgerRow,
  LedgerValues,
} from './ledger.js';
import { assertLedgerChanges, assertLedgerKeyPart } from './ledgerKey.js';

const role = 'Storage Table Data Contributor';

/** What the service adds to each row. */
const systemNames: ReadonlySet<string> = new Set([
  'partitionKey',
  'rowKey',
  'etag',
  'timestamp',
  'odata.metadata',
]);

class DataTableLedger implements Ledger {
  readonly #client: TableClient;

  constructor(client: TableClient) {
    this.#client = client;
  }

  async get({ partition, row }: LedgerKey): Promise<LedgerRow | undefined> {
    assertLedgerKeyPart(partition);
    assertLedgerKeyPart(row);
    try {
      return rowOf(await this.#client.getEntity(partition, row));
    } catch (error) {
      if (error instanceof RestError && codeOf(error) === 'ResourceNotFound') return undefined;
      throw this.#failure(error, `read row ${row}`);
    }
  }

  async *list({ partition, rowFrom, rowBefore }: LedgerRange): AsyncIterable<LedgerRow> {
    assertLedgerKeyPart(partition);
    let filter = odata`PartitionKey eq ${partition}`;
    if (rowFrom !== undefined) filter += odata` and RowKey ge ${rowFrom}`;
    if (rowBefore !== undefined) filter += odata` and RowKey lt ${rowBefore}`;
    try {
      for await (const entity of this.#client.listEntities({ queryOptions: { filter } })) yield rowOf(entity);
    } catch (error) {
      throw this.#failure(error, `list partition ${partition}`);
    }
  }

  async change(partition: string, changes: readonly LedgerChange[]): Promise<LedgerChangeResult> {
    assertLedgerChanges(partition, changes);
    try {
      await this.#client.submitTransaction(changes.map((change) => actionOf(partition, change)));
      return { kind: 'changed' };
    } catch (error) {
      const failing = failedCondition(error, changes);
      if (failing !== undefined) return { kind: 'conflict', row: failing };
      throw this.#failure(error, `change partition ${partition}`);
    }
  }

  #failure(error: unknown, what: string): TributaryError {
    if (error instanceof RestError && codeOf(error) === 'TableNotFound') {
      return new TributaryError(
        'STORAGE_CONTAINER_NOT_FOUND',
        `Could not ${what}: table ${this.#client.tableName} does not exist. Restart the app, which creates it.`,
      );
    }
    return storageError(error, () => `${what} in table ${this.#client.tableName}`, role);
  }
}

/** The service says `<position>:<message>` of the change whose condition did not hold. */
function failedCondition(error: unknown, changes: readonly LedgerChange[]): string | undefined {
  if (!(error instanceof RestError)) return undefined;
  const code = codeOf(error);
  const isCondition =
    code === 'EntityAlreadyExists' || code === 'UpdateConditionNotSatisfied' || code === 'ResourceNotFound';
  if (!isCondition) return undefined;
  const position = Number(/^(\d+):/.exec(error.message)?.[1] ?? 0);
  return changes[position]?.row ?? changes[0]?.row;
}

function codeOf(error: RestError): string | undefined {
  if (error.code !== undefined && error.code !== RestError.REQUEST_SEND_ERROR) return error.code;
  const { details } = error as { readonly details?: { readonly odataError?: { readonly code?: string } } };
  return details?.odataError?.code;
}

function actionOf(partitionKey: string, change: LedgerChange): TransactionAction {
  const key = { partitionKey, rowKey: change.row };
  switch (change.kind) {
    case 'insert':
      return ['create', { ...key, ...typed(change.values) }];
    case 'replace':
      return ['update', { ...key, ...typed(change.values) }, 'Replace', { etag: change.version }];
    case 'put':
      return ['upsert', { ...key, ...typed(change.values) }, 'Replace'];
    case 'remove':
      return ['delete', key];
  }
}

/** A number without a type is taken as Int32, and refused where it is no such. */
function typed(values: LedgerValues): Record<string, unknown> {
  const entries = Object.entries(values).map(([name, value]) => [
    name,
    typeof value === 'number' ? { type: 'Double', value } : value,
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function rowOf(entity: Record<string, unknown>): LedgerRow {
  const values: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(entity)) {
    if (systemNames.has(name)) continue;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      values[name] = value;
  }
  const { partitionKey, rowKey, etag } = entity;
  return { partition: String(partitionKey), row: String(rowKey), values, version: String(etag) };
}

export function createTableLedger(client: TableClient): Ledger {
  return new DataTableLedger(client);
}

/** @throws TributaryError STORAGE_DENIED, STORAGE_UNAVAILABLE */
export async function createLedgerTableIfMissing(client: TableClient): Promise<void> {
  try {
    await client.createTable();
  } catch (error) {
    throw storageError(error, () => `create table ${client.tableName}`, role);
  }
}
