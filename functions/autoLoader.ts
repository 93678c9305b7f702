// One orchestration per stream of files loads what the ledger knows, batch by batch; a timer lists for files whose event was lost;
// an HTTP call loads what is there now.
import { app, type HttpRequest, type InvocationContext, type Timer } from '@azure/functions';
import * as df from 'durable-functions';
import pipeline from '../pipeline.js';
import { getApp } from '../shared/app.js';
import {
  batchSteps,
  type LoadedBatch,
  type LoadPlan,
  LoadWaker,
  type PlanRequest,
  type StepCall,
} from '../shared/autoloader/index.js';
import { systemClock } from '../shared/base/index.js';
import { startSingleton } from '../shared/maintenance/index.js';

type Client = ReturnType<typeof df.getClient>;

interface StreamInput {
  readonly stream: string;
}

interface LoadInput extends StreamInput, PlanRequest {
  /** Lists the container first, and loads no files that are discovered later. */
  readonly onlyWhatIsThere?: boolean;
  /** The last batch was full, or the next one gathers: files wait already. */
  readonly isBehind?: boolean;
  readonly totals?: Totals;
}

interface Totals {
  readonly batches: number;
  readonly files: number;
  readonly rows: number;
  readonly badRecords: number;
}

const noTotals: Totals = { batches: 0, files: 0, rows: 0, badRecords: 0 };

/** Files come in swarms: the first look at the ledger is worth a moment's wait. */
const firstLookMs = 2_000;

const retryOptions = new df.RetryOptions(5_000, 3);

const wakers = new Map(pipeline.files.map(({ name }) => [name, new LoadWaker(systemClock)]));

/** Starts the stream's orchestration, unless it is sure to look at the ledger once more. */
export async function wakeLoader(stream: string, client: Client): Promise<void> {
  const instanceId = `loadFiles-${stream}`;
  const input: LoadInput = { stream, gathers: true };
  await wakers.get(stream)?.wake({
    start: () => startSingleton(client, 'loadFiles', { instanceId, input }),
    phase: async () => {
      const { runtimeStatus, customStatus } = await client.getStatus(instanceId);
      if (!['Pending', 'Running', 'ContinuedAsNew'].includes(runtimeStatus)) return 'none';
      const isBusy = runtimeStatus === 'Running' && (customStatus as Progress | null)?.phase === 'busy';
      return isBusy ? 'busy' : 'looking';
    },
  });
}

/** What the instance's status shows. */
interface Progress extends Totals {
  readonly phase: 'looking' | 'busy';
}

df.app.orchestration('loadFiles', function* (context) {
  const { df: durable } = context;
  const input: LoadInput = durable.getInput();
  const { stream, discoveredBeforeMs, gathers, totals = noTotals } = input;
  const show = (phase: Progress['phase']) => durable.setCustomStatus({ phase, ...totals } satisfies Progress);
  if (input.onlyWhatIsThere === true && discoveredBeforeMs === undefined) {
    const cutoff: PlanRequest = yield durable.callActivityWithRetry('listFiles', retryOptions, { stream });
    return durable.continueAsNew({ ...input, ...cutoff });
  }
  if (gathers === true && input.isBehind !== true) {
    show('busy');
    yield durable.createTimer(new Date(durable.currentUtcDateTime.getTime() + firstLookMs));
  }
  show('looking');
  const request = {
    stream,
    ...(discoveredBeforeMs !== undefined && { discoveredBeforeMs }),
    ...(gathers !== undefined && { gathers }),
  };
  const plan: LoadPlan = yield durable.callActivityWithRetry('planFiles', retryOptions, request);
  if (plan.kind === 'idle') return totals;
  if (plan.kind === 'gathering') {
    show('busy');
    yield durable.createTimer(new Date(durable.currentUtcDateTime.getTime() + plan.waitMs));
    return durable.continueAsNew({ ...input, isBehind: true });
  }
  show('busy');
  const steps = batchSteps(plan.load);
  let next = steps.next();
  while (next.done !== true) {
    const { step, inputs } = next.value;
    const calls = inputs.map((call) =>
      durable.callActivityWithRetry('loadStep', retryOptions, { stream, step, input: call }),
    );
    next = steps.next(yield durable.Task.all(calls));
  }
  const isBehind = next.value.fileCount >= maxFilesOf(stream);
  // A history for each batch.
  return durable.continueAsNew({ ...input, isBehind, totals: added(totals, next.value) });
});

function maxFilesOf(stream: string): number {
  return pipeline.files.find(({ name }) => name === stream)?.maxFilesPerBatch ?? 1;
}

function added(totals: Totals, { fileCount, rowCount, badCount }: LoadedBatch): Totals {
  return {
    batches: totals.batches + 1,
    files: totals.files + fileCount,
    rows: totals.rows + rowCount,
    badRecords: totals.badRecords + badCount,
  };
}

df.app.activity('listFiles', {
  handler: async ({ stream }: StreamInput): Promise<PlanRequest> => {
    const { discovery } = await open(stream);
    await discovery.list();
    return { discoveredBeforeMs: systemClock.nowMs() + 1 };
  },
});

df.app.activity('planFiles', {
  handler: async ({ stream, ...request }: StreamInput & PlanRequest) =>
    (await open(stream)).loader.plan(request),
});

df.app.activity('loadStep', {
  handler: async ({ stream, step, input }: StreamInput & { step: StepCall['step']; input: unknown }) =>
    (await open(stream)).loader.run(step, input),
});

for (const { name, backfillSchedule } of pipeline.files) {
  app.timer(`listFiles-${name}`, {
    schedule: backfillSchedule,
    extraInputs: [df.input.durableClient()],
    handler: async (_: Timer, context: InvocationContext) => {
      const { discovery, clean } = await open(name);
      const { fileCount, newCount } = await discovery.list();
      context.log(`${name}: ${fileCount} files listed, ${newCount} of them new`);
      // Before cleaning, which may lack the right to move files: those that wait must be loaded all the same.
      await wakeLoader(name, df.getClient(context));
      await clean();
    },
  });
}

app.http('loadFilesNow', {
  route: 'streams/{stream}/load',
  methods: ['POST'],
  authLevel: 'function',
  extraInputs: [df.input.durableClient()],
  handler: async (request: HttpRequest, context: InvocationContext) => {
    const { stream = '' } = request.params;
    const known = pipeline.files.map(({ name }) => name);
    if (!known.includes(stream)) {
      return {
        status: 404,
        jsonBody: { error: `There is no stream "${stream}". There are: ${known.join(', ')}.` },
      };
    }
    const client = df.getClient(context);
    const instanceId = `loadFilesNow-${stream}`;
    const input: LoadInput = { stream, onlyWhatIsThere: true };
    await startSingleton(client, 'loadFiles', { instanceId, input });
    return client.createCheckStatusResponse(request, instanceId);
  },
});

async function open(stream: string) {
  const { openFileStream } = await getApp();
  return openFileStream(stream);
}
