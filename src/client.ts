/**
 * Start, see, follow, cancel and read tasks, over Temporal. Used by the gateway, the CLI, the laboratory and the
 * examples; the package's export.
 */
export type * from './client/task-client.ts';
export { HoldfastClient, type HoldfastClientOptions } from './client/temporal/client.ts';
export { type Config, readConfig } from './config.ts';
export type * from './contract.ts';
export { ERRORS, type ErrorCode, EXIT, HoldfastError } from './errors.ts';
export type * from './kill/contract.ts';
export type { ContainerLine } from './logs/container-lines.ts';
export type { TaskView } from './task-view.ts';
