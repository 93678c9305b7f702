export type { FileRow, FileState } from './ledger/index.js';
export { type BatchToLoad, batchSteps, type LoadedBatch, type StepCall } from './loading/batchSteps.js';
export type { CleaningResult } from './loading/cleaning.js';
export type { FileDiscovery, Listing } from './loading/discovery.js';
export type { FileLoader, LoadPlan, PlanRequest } from './loading/fileLoader.js';
export { FileStreams, type FileStreamsOptions } from './loading/fileStreams.js';
export { loadBatch, loadFiles } from './loading/loadFiles.js';
export { type FileStreamContext, type OpenFileStream, openFileStream } from './loading/openFileStream.js';
export { type LoadStarter, LoadWaker } from './loading/wake.js';
