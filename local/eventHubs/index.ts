export { type EventHubsEmulator, type EventHubsEmulatorOptions, startEventHubsEmulator } from './emulator.js';
export type { EmulatorFaults } from './faults.js';
export type { HubOptions } from './hub.js';
