// Loads what waits, in this process: the twin of the orchestration, for commands and tests.
import { type BatchToLoad, batchSteps, type LoadedBatch } from './batchSteps.js';
import type { FileLoader, PlanRequest } from './fileLoader.js';

export async function loadBatch(loader: FileLoader, plan: BatchToLoad): Promise<LoadedBatch> {
  const steps = batchSteps(plan);
  let next = steps.next();
  while (next.done !== true) {
    const { step, inputs } = next.value;
    next = steps.next(await Promise.all(inputs.map((input) => loader.run(step, input))));
  }
  return next.value;
}

/** @returns the batches that it loaded, or helped to load, once nothing waits */
export async function loadFiles(
  loader: FileLoader,
  request: Omit<PlanRequest, 'gathers'> & { readonly onBatch?: (batch: LoadedBatch) => void } = {},
): Promise<readonly LoadedBatch[]> {
  const batches: LoadedBatch[] = [];
  for (;;) {
    const plan = await loader.plan(request);
    if (plan.kind !== 'batch') return batches;
    const batch = await loadBatch(loader, plan.load);
    request.onBatch?.(batch);
    batches.push(batch);
  }
}
