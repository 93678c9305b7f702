// Pure. The event hubs that a pipeline needs, with the consumer groups of everything that reads them here.
import type { Pipeline } from '../../shared/pipeline/index.js';
import { webhookConsumerGroup } from '../../shared/results/index.js';

export interface HubDefinition {
  readonly name: string;
  readonly partitionCount: number;
  /** Besides $Default. */
  readonly consumerGroups: readonly string[];
}

/** `npm run subscribe` reads alerts with it; the service lets five readers share one. */
export const subscribeConsumerGroup = 'subscribe';

const alertPartitionCount = 4;

/** @param partitionCount of the hub that devices send to */
export function hubsOf({ source, alerts }: Pipeline, partitionCount: number): readonly HubDefinition[] {
  return [
    {
      name: source.eventHub,
      partitionCount,
      consumerGroups: [source.consumerGroup].filter((group) => group !== '$Default'),
    },
    {
      name: alerts.eventHub,
      partitionCount: alertPartitionCount,
      consumerGroups: [webhookConsumerGroup, subscribeConsumerGroup],
    },
  ];
}

/** Settings that the functions find these hubs by. */
export function connectionsOf({ source, alerts }: Pipeline): readonly string[] {
  return [...new Set([source.connection, alerts.connection])];
}
