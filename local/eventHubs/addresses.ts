// Pure. Link addresses. Path words, hubs and consumer groups compare without regard to case.

export type LinkAddress =
  | { readonly kind: 'cbs' }
  | { readonly kind: 'management' }
  | { readonly kind: 'hub'; readonly hub: string }
  | { readonly kind: 'partition'; readonly hub: string; readonly partitionId: string }
  | {
      readonly kind: 'consumer';
      readonly hub: string;
      readonly consumerGroup: string;
      readonly partitionId: string;
    }
  | { readonly kind: 'unknown'; readonly text: string };

/** @param text a path, or a whole URI as some SDKs send it */
export function parseAddress(text: string): LinkAddress {
  const path = text.replace(/^(?:amqps?|sb):\/\/[^/]*/i, '').replace(/^\/+|\/+$/g, '');
  const segments = path.split('/');
  const words = segments.map((segment) => segment.toLowerCase());
  const [first = '', second = '', third = '', fourth = ''] = segments;
  if (segments.includes('')) return { kind: 'unknown', text };
  if (path === '$cbs') return { kind: 'cbs' };
  if (segments.length <= 2 && words.at(-1) === '$management') return { kind: 'management' };
  if (segments.length === 1) return { kind: 'hub', hub: first };
  if (segments.length === 3 && words[1] === 'partitions') {
    return { kind: 'partition', hub: first, partitionId: third };
  }
  if (
    segments.length === 5 &&
    second.toLowerCase() === 'consumergroups' &&
    fourth.toLowerCase() === 'partitions'
  ) {
    return { kind: 'consumer', hub: first, consumerGroup: third, partitionId: segments[4] ?? '' };
  }
  return { kind: 'unknown', text };
}
