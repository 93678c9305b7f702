// Short ways to write windows and times in tests.
import { definePipeline, type Windows, type WindowsDefinition } from '../../shared/pipeline/index.js';
import {
  DeviceWindows,
  planWindows,
  type WindowPlan,
  type WindowValues,
} from '../../shared/windows/index.js';

export const minuteMs = 60_000;

/** Checked as pipeline.ts is, over two number fields `t` and `b`. */
export function windowsOf(windows: WindowsDefinition): Windows {
  const fields = { t: { type: 'double' }, b: { type: 'double' } } as const;
  return definePipeline({
    source: { eventHub: 'hub' },
    deviceId: { from: 'id' },
    eventTime: { from: 'time' },
    fields,
    windows,
  }).windows;
}

export function planOf(windows: WindowsDefinition): WindowPlan {
  return planWindows(windowsOf(windows));
}

/** A device with windows over `t` alone. */
export function deviceOf(windows: WindowsDefinition): DeviceWindows {
  return DeviceWindows.fresh(planOf({ metrics: ['t'], ...windows }));
}

/** As an entity's state would go through storage. */
export function throughJson(windows: DeviceWindows, plan: WindowPlan): DeviceWindows {
  return DeviceWindows.decode(JSON.parse(JSON.stringify(windows.encode())), plan);
}

/** `five 600..900: 2` for a window from 600 to 900 seconds with two readings. */
export function summary(windows: readonly WindowValues[]): readonly string[] {
  return windows.map(
    ({ definition, startMicros, endMicros, messageCount }) =>
      `${definition} ${startMicros / 1e6}..${endMicros / 1e6}: ${messageCount}`,
  );
}
