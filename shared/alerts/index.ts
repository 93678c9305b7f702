export { mayBreach } from './conditions.js';
export { DeviceAlerts } from './deviceAlerts.js';
export { type AlertPlan, alertFields, planAlerts } from './plan.js';
export { stableId } from './stableId.js';
export type { Alert, AlertReading, AlertTransition, OpenAlert } from './types.js';
