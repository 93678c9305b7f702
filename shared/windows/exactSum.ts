// Pure. Sums of doubles without rounding until the end, so that they do not depend on the order of delivery.
// Shewchuk, "Adaptive Precision Floating-Point Arithmetic" (1997), as in Python's math.fsum: a sum is a list of doubles
// of growing magnitude whose bits do not overlap. Its value is exact; for values of like magnitude it has one to three.

/** Values beyond this count as this in a sum, so that no sum of up to 2^53 of them overflows. About 9.7e288. */
const greatestSummand = 2 ** 960;

export function addToSum(partials: number[], value: number): void {
  addPartial(partials, Math.min(Math.max(value, -greatestSummand), greatestSummand));
}

/** @param partials changed in place */
function addPartial(partials: number[], summand: number): void {
  let high = summand;
  let kept = 0;
  for (let index = 0; index < partials.length; index++) {
    let low = partials[index]!;
    if (Math.abs(high) < Math.abs(low)) {
      const swapped = high;
      high = low;
      low = swapped;
    }
    const sum = high + low;
    const error = low - (sum - high);
    if (error !== 0) partials[kept++] = error;
    high = sum;
  }
  partials.length = kept;
  if (high !== 0) partials.push(high);
}

/** Adds another sum; its partials are within bounds already. */
export function mergeSums(partials: number[], other: readonly number[]): void {
  for (const partial of other) addPartial(partials, partial);
}

/** The double nearest to the exact sum, ties to even. */
export function roundedSum(partials: readonly number[]): number {
  let index = partials.length - 1;
  if (index < 0) return 0;
  let high = partials[index]!;
  let low = 0;
  while (index > 0 && low === 0) {
    const before = high;
    const next = partials[--index]!;
    high = before + next;
    low = next - (high - before);
  }
  return index > 0 ? roundHalf(high, low, partials[index - 1]!) : high;
}

/** When `low` is half a unit of `high`, the sign of what comes below decides where to round. */
function roundHalf(high: number, low: number, below: number): number {
  if (low < 0 !== below < 0) return high;
  const twice = low * 2;
  const other = high + twice;
  return other - high === twice ? other : high;
}
