// Pure. The pipeline's webhooks and the settings with their secrets -> targets that can be posted to.
import { TributaryError } from '../base/index.js';
import { type Alerts, isLocalHttp } from '../pipeline/index.js';
import type { WebhookTarget } from './webhookClient.js';

/** On the hub of the alerts; other readers take groups of their own. */
export const webhookConsumerGroup = 'webhooks';

/**
 * @param secretProblem what is wrong with a secret, if anything
 * @throws TributaryError SETTING_MISSING for a secret that cannot sign, CONFIG_INVALID for an address of this machine outside
 *   development
 */
export function webhookTargets(
  webhooks: Alerts['webhooks'],
  settings: Readonly<Record<string, string | undefined>>,
  secretProblem: (secrets: string | undefined) => string | undefined,
): readonly WebhookTarget[] {
  const isDevelopment = settings.AZURE_FUNCTIONS_ENVIRONMENT === 'Development';
  return webhooks.map(({ name, url, secretSetting }) => {
    const problem = secretProblem(settings[secretSetting]);
    if (problem !== undefined) {
      throw new TributaryError(
        'SETTING_MISSING',
        `The setting ${secretSetting} ${problem}; it holds the secret that signs requests to webhook "${name}". ` +
          'Set it to "whsec_" and the Base64 of 24 to 64 random bytes.',
      );
    }
    if (!isDevelopment && isLocalHttp(new URL(url))) {
      throw new TributaryError(
        'CONFIG_INVALID',
        `alerts.webhooks.${name}.url leads to this machine without TLS, which is for development only; use "https://".`,
      );
    }
    return { name, url, secrets: settings[secretSetting] ?? '' };
  });
}
