// Pure. Event-time windows of one device: see docs/windows.md.
export { DeviceWindows } from './deviceWindows.js';
export { IntervalSet } from './intervalSet.js';
export { planWindows, type WindowPlan } from './plan.js';
export type { ClosedBy, ClosedWindow, MetricValues, WindowValues } from './values.js';
