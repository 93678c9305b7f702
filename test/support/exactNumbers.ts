// Sums of doubles in whole numbers: the yardstick for sums that claim to be exact.

/** Every finite double is a whole multiple of this power of two. */
const unitExponent = -1074;

/** The double nearest to the exact sum, ties to even. */
export function exactSum(values: readonly number[]): number {
  return nearestDouble(values.reduce((sum, value) => sum + unitsOf(value), 0n));
}

function unitsOf(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return bits >> 63n === 1n ? -magnitude : magnitude;
}

function nearestDouble(units: bigint): number {
  if (units < 0n) return -nearestDouble(-units);
  const dropped = Math.max(0, units.toString(2).length - 64);
  const kept = units >> BigInt(dropped);
  // One bit says that something was dropped, so that what looks like a tie is none.
  const isExact = kept << BigInt(dropped) === units;
  return Number(isExact ? kept : kept | 1n) * 2 ** (dropped + unitExponent);
}
