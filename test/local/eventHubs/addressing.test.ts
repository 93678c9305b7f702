// Partition hash, selector strings and link addresses: the pure text rules of the wire.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../../local/eventHubs/addresses.js';
import { hashPartitionKey, partitionOfKey } from '../../../local/eventHubs/partitionHash.js';
import { parseSelector } from '../../../local/eventHubs/selectorFilter.js';

describe('the partition hash', () => {
  const known: readonly [key: string, hash: number, of4: number, of32: number][] = [
    ['device-0', 13854, 2, 30],
    ['device-1', 26788, 0, 4],
    ['abc', -14161, 1, 17],
    ['', 0, 0, 0],
    ['0123456789ab', -17054, 2, 30],
    ['0123456789abc', -4167, 3, 7],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZ', -23577, 1, 25],
  ];
  for (const [key, hash, of4, of32] of known) {
    it(`of "${key}" is the service's`, () => {
      assert.deepEqual(
        [hashPartitionKey(key), partitionOfKey(key, 4), partitionOfKey(key, 32)],
        [hash, of4, of32],
      );
    });
  }

  it('reaches every partition and never leaves the range', () => {
    const seen = new Set<number>();
    for (let id = 0; id < 2_000; id++) seen.add(partitionOfKey(`Gerät ${id}`, 7));
    assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6]);
  });
});

describe('a selector', () => {
  const accepted: readonly [text: string, position: unknown][] = [
    ["amqp.annotation.x-opt-offset > '-1'", { kind: 'earliest' }],
    ["amqp.annotation.x-opt-offset > '@latest'", { kind: 'latest' }],
    ["amqp.annotation.x-opt-offset > '3185'", { kind: 'offset', offset: 3185, isInclusive: false }],
    ["amqp.annotation.x-opt-offset >= '0'", { kind: 'offset', offset: 0, isInclusive: true }],
    [
      "amqp.annotation.x-opt-sequence-number > '7'",
      { kind: 'sequenceNumber', sequenceNumber: 7, isInclusive: false },
    ],
    [
      "amqp.annotation.x-opt-sequence-number >= '0'",
      { kind: 'sequenceNumber', sequenceNumber: 0, isInclusive: true },
    ],
    [
      "amqp.annotation.x-opt-enqueued-time > '1700000000000'",
      { kind: 'enqueuedTime', enqueuedMs: 1_700_000_000_000 },
    ],
  ];
  for (const [text, position] of accepted) {
    it(`reads ${text}`, () => assert.deepEqual(parseSelector(text), position));
  }

  for (const text of [
    '',
    "amqp.annotation.x-opt-offset > 'abc'",
    "amqp.annotation.x-opt-offset > '5' ",
    'amqp.annotation.x-opt-offset > 5',
    "amqp.annotation.x-opt-offset>'5'",
    "amqp.annotation.x-opt-offset < '5'",
    "amqp.annotation.x-opt-offset > ''",
    "amqp.annotation.x-opt-sequence-number > '@latest'",
    "amqp.annotation.x-opt-enqueued-time >= '5'",
    "amqp.annotation.x-opt-partition-key > '5'",
    "x OR amqp.annotation.x-opt-offset > '5'",
  ]) {
    it(`refuses "${text}"`, () => assert.equal(parseSelector(text), undefined));
  }
});

describe('a link address', () => {
  const known: readonly [text: string, address: unknown][] = [
    ['$cbs', { kind: 'cbs' }],
    ['$management', { kind: 'management' }],
    ['hub/$management', { kind: 'management' }],
    ['Sensor-Data', { kind: 'hub', hub: 'Sensor-Data' }],
    ['hub/Partitions/3', { kind: 'partition', hub: 'hub', partitionId: '3' }],
    ['hub/partitions/3', { kind: 'partition', hub: 'hub', partitionId: '3' }],
    [
      'hub/ConsumerGroups/$Default/Partitions/0',
      { kind: 'consumer', hub: 'hub', consumerGroup: '$Default', partitionId: '0' },
    ],
    [
      'amqps://localhost:5671/hub/consumergroups/g/PARTITIONS/12',
      { kind: 'consumer', hub: 'hub', consumerGroup: 'g', partitionId: '12' },
    ],
    ['hub/Publishers/p', { kind: 'unknown', text: 'hub/Publishers/p' }],
    ['hub/ConsumerGroups//Partitions/0', { kind: 'unknown', text: 'hub/ConsumerGroups//Partitions/0' }],
    ['', { kind: 'unknown', text: '' }],
  ];
  for (const [text, address] of known) {
    it(`"${text}"`, () => assert.deepEqual(parseAddress(text), address));
  }
});
