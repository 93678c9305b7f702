// Pure. Event hubs and their connections in a definition.
import { describeValue } from './problems.js';
import type { Section } from './section.js';

/** Returns '' after reporting a problem. */
export function readEventHub(section: Section): string {
  const eventHub = section.text('eventHub', 'the name of an event hub') ?? '';
  const hubName = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,254}[A-Za-z0-9])?$/;
  if (eventHub !== '' && !hubName.test(eventHub)) {
    const rule =
      'an event hub\'s name has letters, digits, ".", "-" and "_", and starts and ends with a letter or digit';
    section.report('eventHub', `is ${describeValue(eventHub)}; ${rule}`);
  }
  return eventHub;
}

export function readConnection(section: Section, preset: string): string {
  return section.has('connection') ? readSettingName(section, 'connection') : preset;
}

/** Never repeats the value: someone may have pasted the secret itself. Returns '' after reporting a problem. */
export function readSettingName(section: Section, key: string): string {
  const setting = section.value(key);
  if (typeof setting === 'string' && /^[A-Za-z_][A-Za-z0-9_.:-]*$/.test(setting)) return setting;
  const isSecret = typeof setting === 'string' && /endpoint=|sharedaccess|accountkey=/i.test(setting);
  section.report(
    key,
    isSecret
      ? 'holds a connection string; put that into an app setting and write the name of the setting here'
      : 'must be the name of an app setting: letters, digits, "_", ".", ":" and "-"',
  );
  return '';
}
