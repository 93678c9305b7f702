// Pure. Addresses that alerts are delivered to by HTTP POST.
import { readSettingName } from './eventHubs.js';
import { describeValue } from './problems.js';
import { isPlainObject, type Section } from './section.js';
import type { Alerts } from './types.js';

type Webhook = Alerts['webhooks'][number];

const webhookKeys = ['url', 'secretSetting'];

export function readWebhooks(alerts: Section): readonly Webhook[] {
  const value = alerts.value('webhooks') ?? {};
  if (!isPlainObject(value)) {
    const example = `{ pager: { url: 'https://...', secretSetting: 'PagerSecret' } }`;
    alerts.report(
      'webhooks',
      `is ${describeValue(value)}; it must be an object with a key per webhook, as ${example}`,
    );
    return [];
  }
  const webhooks = alerts.optionalSection('webhooks', Object.keys(value));
  return Object.keys(value).flatMap((name) => {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
      webhooks.report(
        name,
        'is no name for a webhook; use letters, digits, "_" and "-", beginning with a letter',
      );
    }
    const section = webhooks.section(name, webhookKeys);
    const url = readUrl(section);
    const secretSetting = readSecretSetting(section);
    return url === undefined ? [] : [{ name, url, secretSetting }];
  });
}

function readSecretSetting(section: Section): string {
  const value = section.value('secretSetting');
  if (typeof value !== 'string' || !value.startsWith('whsec_'))
    return readSettingName(section, 'secretSetting');
  section.report(
    'secretSetting',
    'holds the secret itself; put that into an app setting and write the name of the setting here',
  );
  return '';
}

/** Never repeats the address: people put tokens into them. */
function readUrl(section: Section): string | undefined {
  const text = section.text('url', 'an address, as "https://example.com/alerts"');
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const problem =
    url === undefined ? 'is no address; write one as "https://example.com/alerts"' : problemOf(url);
  if (problem === undefined) return text;
  section.report('url', problem);
  return undefined;
}

function problemOf(url: URL): string | undefined {
  if (url.username !== '' || url.password !== '') {
    return 'holds a user or password; requests are signed with the secret of secretSetting instead';
  }
  if (isLocalHttp(url)) return undefined;
  if (url.protocol !== 'https:') {
    return 'must begin with "https://"; "http://localhost" is taken too, for development';
  }
  if (isPrivateHost(url.hostname)) {
    return 'leads to a private or loopback address; use a public name, or "http://localhost" for development';
  }
  return undefined;
}

/** Such an address is taken in development only. */
export function isLocalHttp(url: URL): boolean {
  return url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}

/** Of addresses written as numbers, in the form that URL brings them into; names are not looked up. */
function isPrivateHost(host: string): boolean {
  const name = host.replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (host.startsWith('[')) return isPrivateIpv6(host.slice(1, -1));
  const bytes = name.split('.').map(Number);
  return bytes.length === 4 && bytes.every((byte) => byte >= 0 && byte <= 255) && isPrivateIpv4(bytes);
}

/** RFC 6890: this host, private networks, shared space, loopback, link local (where clouds keep their metadata), multicast. */
function isPrivateIpv4([a = 0, b = 0]: readonly number[]): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return true;
  if (a === 100) return b >= 64 && b < 128;
  if (a === 172) return b >= 16 && b < 32;
  return (a === 169 && b === 254) || (a === 192 && b === 168);
}

/** Loopback, unspecified and mapped IPv4 (`::...`), unique local (fc00::/7), link local (fe80::/10), multicast (ff00::/8). */
function isPrivateIpv6(address: string): boolean {
  return address.startsWith('::') || /^f[cd]|^fe[89ab]|^ff/.test(address);
}
