export {
  type AlertCloudEvent,
  type AlertData,
  type CloudEventContext,
  cloudEventContentType,
  cloudEventSource,
  toCloudEvent,
} from './cloudEvents.js';
