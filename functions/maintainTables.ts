// Timer -> one orchestration per table: merge small files (plan, one activity per new file, one commit), then tend the log.
import { app, type InvocationContext, type Timer } from '@azure/functions';
import * as df from 'durable-functions';
import pipeline from '../pipeline.js';
import { getApp } from '../shared/app.js';
import { vacuumTable } from '../shared/delta/index.js';
import {
  type BinPaths,
  type BinResult,
  type CompactionPlan,
  commitCompaction,
  planCompaction,
  rewriteFiles,
  startSingleton,
  tendLog,
} from '../shared/maintenance/index.js';

const { maintenance, tables } = pipeline;
/** Queries ask for a device and a time; files sorted so are skipped by their statistics. */
const sortBy: Readonly<Record<string, readonly string[]>> = {
  [tables.readings]: ['device_id', 'event_time'],
  [tables.quarantine]: ['_partition', '_sequence_number'],
  [tables.windows]: ['device_id', 'window_start'],
  [tables.alerts]: ['device_id', 'event_time'],
  [tables.lateReadings]: ['device_id', 'event_time'],
  [tables.undeliveredAlerts]: ['device_id', 'failed_time'],
};

interface TableInput {
  readonly table: string;
}

/** Starts `orchestration` for each table where the last one has ended. */
const startForEachTable = (orchestration: string) => async (_: Timer, context: InvocationContext) => {
  const client = df.getClient(context);
  const { existingTables } = await getApp();
  for (const { name: table } of await existingTables()) {
    await startSingleton(client, orchestration, {
      instanceId: `${orchestration}-${table}`,
      input: { table },
    });
  }
};

app.timer('maintainTables', {
  schedule: maintenance.schedule,
  extraInputs: [df.input.durableClient()],
  handler: startForEachTable('maintainTable'),
});

app.timer('vacuumTables', {
  schedule: maintenance.vacuumSchedule,
  extraInputs: [df.input.durableClient()],
  handler: startForEachTable('vacuumTable'),
});

const retryOptions = new df.RetryOptions(5_000, 3);

df.app.orchestration('maintainTable', function* (context) {
  const { table }: TableInput = context.df.getInput();
  const plan: CompactionPlan = yield context.df.callActivityWithRetry('planCompaction', retryOptions, {
    table,
  });
  const rewrites = plan.bins.map((bin) =>
    context.df.callActivityWithRetry('rewriteFiles', retryOptions, { table, bin }),
  );
  // The library refuses to wait for nothing.
  const results: BinResult[] = rewrites.length === 0 ? [] : yield context.df.Task.all(rewrites);
  const compaction: unknown =
    plan.bins.length === 0
      ? { kind: 'nothing' }
      : yield context.df.callActivityWithRetry('commitCompaction', retryOptions, { table, plan, results });
  const log: unknown = yield context.df.callActivityWithRetry('tendLog', retryOptions, { table });
  return { compaction, log };
});

df.app.orchestration('vacuumTable', function* (context) {
  return yield context.df.callActivityWithRetry('deleteLeftOvers', retryOptions, context.df.getInput());
});

df.app.activity('planCompaction', {
  handler: async ({ table }: TableInput) => planCompaction(await locate(table), maintenance),
});

df.app.activity('rewriteFiles', {
  handler: async ({ table, bin }: TableInput & { readonly bin: BinPaths }) =>
    rewriteFiles(await locate(table), bin, sortBy[table] ?? []),
});

df.app.activity('commitCompaction', {
  handler: async (
    input: TableInput & { readonly plan: CompactionPlan; readonly results: readonly BinResult[] },
  ) => commitCompaction(await locate(input.table), input.plan, input.results),
});

df.app.activity('tendLog', { handler: async ({ table }: TableInput) => tendLog(await locate(table)) });

df.app.activity('deleteLeftOvers', {
  handler: async ({ table }: TableInput) => vacuumTable(await locate(table)),
});

async function locate(table: string) {
  const { upkeepOptions } = await getApp();
  return upkeepOptions(table);
}
