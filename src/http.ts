/** Tasks over HTTP alone: no Temporal, no Kubernetes, nothing of Node's. The package's export for front ends. */
export { HoldfastHttpClient } from './client/http/client.ts';
export type { HttpClientOptions } from './client/http/gateway.ts';
export type * from './client/task-client.ts';
export type * from './contract.ts';
export { ERRORS, type ErrorCode, HoldfastError } from './errors.ts';
export type * from './kill/contract.ts';
export type { ContainerLine } from './logs/container-lines.ts';
export type { TaskView } from './task-view.ts';
