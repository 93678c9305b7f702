// The ledger on Azure Tables, against Azurite.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TableClient } from '@azure/data-tables';
import type { Azurite } from '../../local/azurite/index.js';
import { TributaryError } from '../../shared/base/index.js';
import { createLedgerTableIfMissing, createTableLedger } from '../../shared/storage/index.js';
import { describeLedgerContract } from '../storage/ledgerContract.js';
import { reverseCleanup } from '../support/cleanup.js';
import { startTestAzurite } from '../support/testAzurite.js';

describe('the ledger on Azure Tables', () => {
  const cleanup = reverseCleanup({ after });
  let azurite: Azurite | undefined;
  let tables = 0;

  before(async () => {
    azurite = await startTestAzurite(cleanup);
  });

  const clientOf = (table: string) =>
    TableClient.fromConnectionString(azurite!.connectionString, table, { allowInsecureConnection: true });

  describeLedgerContract({
    name: 'Azurite',
    createLedger: async () => {
      const client = clientOf(`ledger${++tables}`);
      await createLedgerTableIfMissing(client);
      await createLedgerTableIfMissing(client);
      return createTableLedger(client);
    },
    manyRows: 1_100,
  });

  it('says that the table is missing', async () => {
    const ledger = createTableLedger(clientOf('nowhere'));
    const missing = (error: unknown) =>
      error instanceof TributaryError &&
      error.code === 'STORAGE_CONTAINER_NOT_FOUND' &&
      /nowhere/.test(error.message);
    await assert.rejects(ledger.get({ partition: 'p', row: 'r' }), missing);
    await assert.rejects(ledger.change('p', [{ kind: 'put', row: 'r', values: {} }]), missing);
  });
});
