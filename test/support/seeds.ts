// How much a seeded test does. `npm test` and `npm run test:seeded` go through everything; where every second counts
// (`npm run check`), a tenth must do: what breaks, breaks for most seeds. Tests that import this file make up the suite `seeded`.
/** Whether rare things may be asked for, too. */
export const isWhole = process.env.TEST_SEEDS === 'all';

/** Of seeds, rounds or attempts; also of what they must have shown together. */
export function ofSeeds(all: number): number {
  return isWhole ? all : Math.ceil(all / 10);
}

/** For tests that cut a process off at its n-th write: from one n to the next. */
export const caseStride = isWhole ? 1 : 7;

/** For tests that try out every form of a table: the first, or all of them. */
export function formsOf<T>(all: readonly T[]): readonly T[] {
  return isWhole ? all : all.slice(0, 1);
}
