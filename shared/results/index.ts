export {
  type AlertCloudEvent,
  type AlertData,
  type CloudEventContext,
  cloudEventContentType,
  cloudEventSource,
  toCloudEvent,
} from './cloudEvents.js';
export { type UndeliveredAlert, undeliveredSchema } from './undeliveredAlerts.js';
export { createWebhookClient, type PostToWebhook, type WebhookTarget } from './webhookClient.js';
export { WebhookDelivery, type WebhookDeliveryOptions } from './webhookDelivery.js';
export { secretProblem, signatureHeaders } from './webhookSignature.js';
export { webhookConsumerGroup, webhookTargets } from './webhookTargets.js';
