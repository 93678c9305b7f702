export { definePipeline } from './definePipeline.js';
export { type ParsedPath, parseSourcePath } from './sourcePath.js';
export type {
  ConversionRule,
  DeviceIdDefinition,
  EventTimeDefinition,
  Field,
  FieldDefinition,
  FieldType,
  LimitsDefinition,
  MaintenanceDefinition,
  Pipeline,
  PipelineDefinition,
  SourceDefinition,
  SourcePath,
  TablesDefinition,
  TimestampForm,
} from './types.js';
