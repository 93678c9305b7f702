// Pipelines for tests.
import { definePipeline, type Pipeline, type PipelineDefinition } from '../../shared/pipeline/index.js';

/** One device path, one time path, and the given fields. */
export function pipelineWith(
  fields: PipelineDefinition['fields'],
  rest: Partial<Omit<PipelineDefinition, 'fields'>> = {},
): Pipeline {
  return definePipeline({
    source: { eventHub: 'sensor-data' },
    deviceId: { from: 'id' },
    eventTime: { from: 'time' },
    fields,
    ...rest,
  });
}

/** A column of every type, nested paths, aliases, a path that another goes on from, and every kind of source. */
export const everyType = definePipeline({
  source: { eventHub: 'sensor-data' },
  deviceId: { from: ['id', 'device.id', '@key'], maxLength: 20 },
  eventTime: { from: ['time', 'meta.at'], forms: ['iso', 'epochMillis'], maxClockSkewMs: 60_000 },
  fields: {
    text: { type: 'string', from: ['text', 'meta.text'] },
    double: {
      type: 'double',
      range: [-1e6, 1e20],
      from: ['double', 'values.double', 'values.nested.double'],
      conversions: [
        { name: 'percent', devices: ['frac-*', '*-frac'], multiplyBy: 100 },
        { name: 'third', devices: 'third-*', multiplyBy: 0.3 },
      ],
    },
    long: { type: 'long', from: ['long', 'values.long'] },
    integer: { type: 'integer', range: [-1000, 1000], from: ['integer', 'values', 'values.integer'] },
    flag: { type: 'boolean' },
    seen: { type: 'timestamp', from: ['seen', 'meta.seen'] },
    needed: { type: 'double', required: true, range: [0, 100], from: ['needed', 'values.needed'] },
    site: { type: 'string', from: ['@property.Site', 'site'] },
    dotted: { type: 'string', from: ['a\\.b', '__proto__'] },
  },
  limits: { maxBodyBytes: 65_536, maxDepth: 8, maxReadingsPerEvent: 50, maxStringLength: 40 },
});
