// The alerts of a device as the pipeline publishes them.
import { DeviceAlerts } from '../../shared/alerts/index.js';
import type { OutgoingEvent } from '../../shared/messaging/index.js';
import { cloudEventSource, toCloudEvent } from '../../shared/results/index.js';
import { planOf, reading, seedRules } from '../alerts/alertPlans.js';

const context = { source: cloudEventSource('sensor-data'), fieldNames: ['temperature', 'battery'] };

/** What the rules of the seed say of a device that sends these temperatures, one a second. */
export function alertEventsOf(deviceId: string, temperatures: readonly number[]): OutgoingEvent[] {
  const device = DeviceAlerts.fresh(planOf({ rules: seedRules }));
  return temperatures.flatMap((temperature, second) =>
    device
      .evaluate(deviceId, reading(second, temperature))
      .map((alert) => toCloudEvent(alert, deviceId, context)),
  );
}
