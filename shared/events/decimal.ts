// Pure. Decimal numbers as text: what a double cannot tell (RFC 8259 section 6 sets no limits on numbers).

/** value = digits * 10^exponent; digits without zeros at either end, empty for zero. */
interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function isJsonNumber(text: string): boolean {
  return jsonNumber.test(text);
}

/**
 * The double that stands for a JSON number. NaN when none does: too large, so small that nothing is left, or from 2^53
 * on with a value that only a neighbour of it could show. Digits of a fraction beyond a double's precision are rounded.
 */
export function doubleOf(text: string): number {
  const value = Number(text);
  if (value === 0) return parseDecimal(text).digits === '' ? value : Number.NaN;
  if (Math.abs(value) < 2 ** 53) return value;
  return Number.isFinite(value) && sameDecimal(text, String(value)) ? value : Number.NaN;
}

/** Multiplies as on paper, so that 0.57 * 100 is 57 and not 56.99999999999999. */
export function decimalMultiplier(factor: number): (value: number) => number {
  const by = parseDecimal(String(factor));
  const isPowerOfTen = by.digits === '1' && !by.negative;
  const byDigits = BigInt(`${by.negative ? '-' : ''}${by.digits}`);
  return (value) => {
    const text = String(value);
    if (isPowerOfTen && !text.includes('e')) return Number(`${text}e${by.exponent}`);
    const { negative, digits, exponent } = parseDecimal(text);
    const product = BigInt(digits === '' ? 0 : digits) * byDigits;
    return Number(`${negative ? -product : product}e${exponent + by.exponent}`);
  };
}

function sameDecimal(left: string, right: string): boolean {
  const a = parseDecimal(left);
  const b = parseDecimal(right);
  return a.negative === b.negative && a.digits === b.digits && a.exponent === b.exponent;
}

/** Takes JSON numbers, and the texts that `String` makes of finite numbers. */
function parseDecimal(text: string): Decimal {
  const negative = text.startsWith('-');
  const exponentAt = text.search(/[eE]/);
  const mantissa = text.slice(negative ? 1 : 0, exponentAt < 0 ? text.length : exponentAt);
  const pointAt = mantissa.indexOf('.');
  const fractionDigits = pointAt < 0 ? 0 : mantissa.length - pointAt - 1;
  const all = pointAt < 0 ? mantissa : mantissa.slice(0, pointAt) + mantissa.slice(pointAt + 1);
  const start = firstOtherThanZero(all);
  const end = lastOtherThanZero(all);
  const digits = all.slice(start, end);
  if (digits === '') return { negative: false, digits, exponent: 0 };
  const scale = exponentAt < 0 ? 0 : Number(text.slice(exponentAt + 1));
  return { negative, digits, exponent: scale - fractionDigits + (all.length - end) };
}

function firstOtherThanZero(digits: string): number {
  let at = 0;
  while (at < digits.length && digits.charCodeAt(at) === 48) at++;
  return at;
}

/** One past the last digit that is not 0. A regular expression would look from every zero of a long number anew. */
function lastOtherThanZero(digits: string): number {
  let at = digits.length;
  while (at > 0 && digits.charCodeAt(at - 1) === 48) at--;
  return at;
}
