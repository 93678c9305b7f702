export { type EventSender, maxPartitionKeyBytes, type OutgoingEvent } from './eventSender.js';
export { createHubSender, type HubSenderOptions } from './hubSender.js';
export { createMemorySender, type MemorySender } from './memorySender.js';
