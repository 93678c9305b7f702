export {
  type EventKind,
  type ExpectedOutcome,
  eventKinds,
  expectedOutcome,
  type SimulatedEvent,
} from './events.js';
export { createFleet, defaultMix, type Fleet, type FleetMix, type FleetOptions } from './fleet.js';
export { compressText } from './gzip.js';
export { type Simulator, type SimulatorOptions, type SimulatorTally, startSimulator } from './sender.js';
