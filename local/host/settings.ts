// App settings: local.settings.json into process.env, `%NAME%` in binding options, connections by name.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, TributaryError } from '../../shared/base/index.js';

/**
 * Settings that are in effect: local.settings.json below the environment below `overrides`, so that a value given on the
 * command line always wins. They are written to process.env, where the app and the Azure clients look for them.
 * @throws TributaryError CONFIG_INVALID for a file that cannot be read, or is encrypted
 */
export function applySettings(appFolder: string, overrides: Readonly<Record<string, string>>): AppSettings {
  for (const [name, value] of Object.entries(readLocalSettings(appFolder))) process.env[name] ??= value;
  for (const [name, value] of Object.entries(overrides)) process.env[name] = value;
  return new AppSettings(process.env);
}

function readLocalSettings(appFolder: string): Record<string, string> {
  const content = readJsonFile(join(appFolder, 'local.settings.json'));
  if (content === undefined) return {};
  const { IsEncrypted: isEncrypted, Values: values } = content as { IsEncrypted?: unknown; Values?: unknown };
  if (isEncrypted === true) {
    throw new TributaryError(
      'CONFIG_INVALID',
      'local.settings.json: IsEncrypted is true; this host reads plain files only. Run "func settings decrypt".',
    );
  }
  if (values === undefined) return {};
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new TributaryError(
      'CONFIG_INVALID',
      'local.settings.json: Values must be an object of names and texts.',
    );
  }
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, settingText(name, value)]));
}

function settingText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TributaryError(
    'CONFIG_INVALID',
    `local.settings.json: Values.${name} must be text, not ${JSON.stringify(value)}.`,
  );
}

/** @returns undefined when there is no such file; a byte order mark is skipped, as editors on Windows leave one */
export function readJsonFile(file: string): unknown {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new TributaryError('CONFIG_INVALID', `${file} is not JSON: ${describeError(cause)}`, { cause });
  }
}

export class AppSettings {
  constructor(private readonly values: Readonly<Record<string, string | undefined>>) {}

  get(name: string): string | undefined {
    const value = this.values[name];
    return value === '' ? undefined : value;
  }

  /**
   * Replaces each `%NAME%` by that setting.
   * @throws TributaryError SETTING_MISSING naming the setting and where it is used
   */
  resolve(text: string, usedBy: string): string {
    return text.replace(/%([^%\s]+)%/g, (_, name: string) => {
      const value = this.get(name);
      if (value !== undefined) return value;
      throw settingMissing(name, usedBy);
    });
  }

  /**
   * A connection string by the name a binding gives, which may also be written with the prefix `AzureWebJobs`.
   * @throws TributaryError SETTING_MISSING; also when only an identity-based connection is configured
   */
  connection(name: string, usedBy: string): string {
    const value = this.get(name) ?? this.get(`AzureWebJobs${name}`);
    if (value !== undefined) return value;
    const identityBased = Object.keys(this.values).find((key) => key.startsWith(`${name}__`));
    if (identityBased === undefined) throw settingMissing(name, usedBy);
    throw new TributaryError(
      'SETTING_MISSING',
      `${usedBy} uses the connection "${name}", but only the identity-based setting "${identityBased}" is there. ` +
        `This host needs a connection string in "${name}".`,
    );
  }
}

function settingMissing(name: string, usedBy: string): TributaryError {
  return new TributaryError(
    'SETTING_MISSING',
    `${usedBy} needs the setting "${name}", which is missing or empty. ` +
      'Add it to Values in local.settings.json, to the environment, or as --setting.',
  );
}
