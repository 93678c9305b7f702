// delta-rs, an engine that is not ours and not from npm, opens the tables itself, straight from the storage service.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { createApp } from '../../shared/app.js';
import { queryTable } from '../support/duckdb.js';
import { cutEvents, simulatedEvents } from '../support/simulatedBatch.js';
import { startTestAzurite } from '../support/testAzurite.js';
import { preparePython, runPython } from './python.js';

const obstacle = preparePython();

describe('delta-rs', { skip: obstacle ?? false }, () => {
  it('opens the tables on the storage service and agrees with DuckDB on counts, sums and types', async (t) => {
    const azurite = await startTestAzurite(t);
    const app = await createApp({ LakeStorage: azurite.connectionString });
    const partitions = ['0', '1', '2', '3'].map((name, seed) =>
      simulatedEvents('sensor-data', name, 1250, seed),
    );
    for (let from = 0; from < 1250; from += 250) {
      await Promise.all(partitions.map((events) => app.ingestor.ingest(cutEvents(events, from, from + 250))));
    }
    assert.ok(
      await BlobServiceClient.fromConnectionString(azurite.connectionString)
        .getContainerClient('lake')
        .exists(),
    );

    const seen = runPython('readTables.py', {
      blobEndpoint: `http://127.0.0.1:${azurite.blobPort}`,
      appIds: {
        readings: [...(await app.loadTable('readings')).snapshot.transactions.keys()],
        quarantine: [...(await app.loadTable('quarantine')).snapshot.transactions.keys()],
      },
    });
    for (const name of ['readings', 'quarantine']) {
      const { store, snapshot } = await app.loadTable(name);
      const table = seen[name] as Record<string, unknown>;
      const [counts] = await queryTable(
        store,
        snapshot,
        'select count(*)::double as rows, sum(_sequence_number)::double as sequence from {files}',
      );
      assert.equal(table.version, snapshot.version);
      assert.equal(table.rows, counts?.rows);
      assert.equal(table.sequence, counts?.sequence);
      assert.equal(table.statisticsRows, snapshot.totalRows, 'numRecords in the log');
      assert.deepEqual(
        table.transactions,
        Object.fromEntries(snapshot.transactions),
        'transaction versions as delta-rs sees them',
      );
      assert.deepEqual(
        (JSON.parse(String(table.schema)) as { fields: { name: string; type: string }[] }).fields.map(
          ({ name, type }) => [name, type],
        ),
        (
          JSON.parse(snapshot.metadata.schemaString) as { fields: { name: string; type: string }[] }
        ).fields.map(({ name, type }) => [name, type]),
      );
    }
    const { store, snapshot } = await app.loadTable('readings');
    const [sums] = await queryTable(
      store,
      snapshot,
      `select count(temperature)::double as temperatures, round(sum(temperature), 6) as temperature,
              max(epoch_us(event_time))::double as latest, min(device_id) as device from {files}`,
    );
    assert.deepEqual((seen.readings as Record<string, unknown>).sums, sums);
  });
});
