// Pure. Typed arrays that grow by doubling, and the validity of a column that is null in few places.

type Growable = Float64Array | Int32Array | Uint8Array | BigInt64Array;

/** `values` with room for one more entry behind `count`; another array when it was full. */
export function withRoom<Values extends Growable>(values: Values, count: number): Values {
  if (count < values.length) return values;
  const grown = emptyLike(values, Math.max(16, values.length * 2));
  if (grown instanceof BigInt64Array) grown.set(values as ArrayLike<bigint>);
  else grown.set(values as ArrayLike<number>);
  return grown as Values;
}

function emptyLike(values: Growable, length: number): Growable {
  if (values instanceof Float64Array) return new Float64Array(length);
  if (values instanceof Int32Array) return new Int32Array(length);
  return values instanceof Uint8Array ? new Uint8Array(length) : new BigInt64Array(length);
}

/** Costs nothing until the first null. */
export class GrowingValidity {
  #entries: Uint8Array | undefined;

  markPresent(index: number): void {
    if (this.#entries === undefined) return;
    this.#entries = withRoom(this.#entries, index);
    this.#entries[index] = 1;
  }

  markNull(index: number): void {
    this.#entries = withRoom(this.#entries ?? new Uint8Array(index + 16).fill(1, 0, index), index);
    this.#entries[index] = 0;
  }

  clear(): void {
    this.#entries = undefined;
  }

  /** To be spread into column values. */
  values(): { readonly validity?: Uint8Array } {
    return this.#entries === undefined ? {} : { validity: this.#entries };
  }
}
