// The two request/response services: `$cbs` takes any token, `$management` describes hubs and partitions.
import type { Message, Sender } from 'rhea';
import type { Clock } from '../../shared/base/index.js';
import { entityNotFound, partitionOutOfRange, type WireError } from './amqpErrors.js';
import { type Hub, partitionById } from './hub.js';
import { amqpTypes, type ProducerLink, stringArray } from './rheaLinks.js';

export interface Reply {
  readonly statusCode: number;
  readonly description: string;
  readonly errorCondition?: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** Answers each request on the receiver that the client has opened in the same AMQP session. */
export function serveRequests(link: ProducerLink, answer: (request: Message) => Reply): void {
  link.add_credit(100);
  link.on('message', ({ message, delivery }: { message: Message; delivery: { accept(): void } }) => {
    delivery.accept();
    link.add_credit(1);
    replyLink(link, message.reply_to)?.send(encodeReply(message, answer(message)));
  });
}

/** Tokens are not checked: whoever reaches the emulator may use it. */
export function answerToken(): Reply {
  return { statusCode: 202, description: 'Accepted' };
}

export function answerManagement(
  request: Message,
  services: { readonly clock: Clock; readonly findHub: (hubName: string) => Hub | undefined },
): Reply {
  const { operation, name, type, partition } = request.application_properties ?? {};
  if (operation !== 'READ') {
    return failure(501, {
      condition: 'amqp:not-implemented',
      description: `Unknown operation '${operation}'.`,
    });
  }
  const hub = services.findHub(String(name));
  if (hub === undefined) return failure(404, entityNotFound(String(name)));
  if (type === 'com.microsoft:eventhub')
    return { statusCode: 200, description: 'OK', body: describeHub(hub) };
  if (type !== 'com.microsoft:partition') {
    return failure(400, { condition: 'amqp:not-allowed', description: `Unknown entity type '${type}'.` });
  }
  const body = describePartition(hub, String(partition), services.clock.nowMs());
  if (body === undefined) return failure(400, partitionOutOfRange(hub.name, String(partition)));
  return { statusCode: 200, description: 'OK', body };
}

function failure(statusCode: number, error: WireError): Reply {
  return { statusCode, description: error.description, errorCondition: error.condition };
}

/** The AMQP types are those of the service; the .NET client takes no others. */
function describeHub(hub: Hub): Record<string, unknown> {
  return {
    name: hub.name,
    type: 'com.microsoft:eventhub',
    created_at: amqpTypes.wrap_timestamp(hub.createdAtMs),
    partition_count: amqpTypes.wrap_int(hub.partitions.length),
    partition_ids: stringArray(hub.partitions.map((_, id) => String(id))),
    georeplication_factor: amqpTypes.wrap_int(1),
  };
}

function describePartition(
  hub: Hub,
  partitionId: string,
  nowMs: number,
): Record<string, unknown> | undefined {
  const log = partitionById(hub, partitionId);
  return (
    log && {
      name: hub.name,
      type: 'com.microsoft:partition',
      partition: partitionId,
      begin_sequence_number: amqpTypes.wrap_long(log.beginSequenceNumber),
      last_enqueued_sequence_number: amqpTypes.wrap_long(log.lastSequenceNumber),
      last_enqueued_offset: String(log.lastOffset),
      last_enqueued_time_utc: amqpTypes.wrap_timestamp(log.lastEnqueuedMs),
      runtime_info_retrieval_time_utc: amqpTypes.wrap_timestamp(nowMs),
      is_partition_empty: log.isEmpty,
    }
  );
}

/** Clients name it by link name (`$cbs`) or by its target address (`$management`). */
function replyLink(link: ProducerLink, replyTo: string | undefined): Sender | undefined {
  const { session } = link;
  return (
    session.find_sender((sender: Sender) => sender.name === replyTo || sender.target?.address === replyTo) ??
    session.find_sender(() => true)
  );
}

function encodeReply(request: Message, reply: Reply): Message {
  const status: Record<string, unknown> = {
    'status-code': amqpTypes.wrap_int(reply.statusCode),
    'status-description': reply.description,
  };
  if (reply.errorCondition !== undefined)
    status['error-condition'] = amqpTypes.wrap_symbol(reply.errorCondition);
  return {
    ...(request.message_id === undefined ? {} : { correlation_id: request.message_id }),
    application_properties: status,
    body: reply.body ?? null,
  };
}
