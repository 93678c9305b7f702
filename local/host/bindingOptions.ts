// Pure. Reads options that the app wrote into a binding, with messages that name the function.
import { TributaryError } from '../../shared/base/index.js';
import type { Binding } from './coreTypes.js';

export function requiredText(functionName: string, binding: Binding, option: string): string {
  const value = binding[option];
  if (typeof value === 'string' && value !== '') return value;
  throw invalidOption(functionName, binding, option, 'text');
}

export function optionalText(functionName: string, binding: Binding, option: string): string | undefined {
  const value = binding[option];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw invalidOption(functionName, binding, option, 'text');
}

export function oneOf<T extends string>(
  functionName: string,
  binding: Binding,
  option: string,
  allowed: readonly T[],
): T | undefined {
  const text = optionalText(functionName, binding, option);
  if (text === undefined) return undefined;
  const known = allowed.find((value) => value.toLowerCase() === text.toLowerCase());
  if (known !== undefined) return known;
  throw invalidOption(functionName, binding, option, allowed.map((value) => `"${value}"`).join(' or '));
}

function invalidOption(
  functionName: string,
  binding: Binding,
  option: string,
  allowed: string,
): TributaryError {
  return new TributaryError(
    'CONFIG_INVALID',
    `Function "${functionName}": the option "${option}" of its ${binding.type} is ${JSON.stringify(binding[option]) ?? 'missing'}; it must be ${allowed}.`,
  );
}
