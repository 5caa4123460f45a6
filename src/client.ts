/**
 * Start, see, follow, cancel and read tasks, over Temporal itself or over the HTTP API, alike. Used by the gateway, the
 * CLI, the laboratory and the examples; the package's export.
 */
import { HoldfastHttpClient } from './client/http/client.ts';
import type { TaskClient } from './client/task-client.ts';
import { HoldfastClient } from './client/temporal/client.ts';
import type { Config } from './config.ts';

export * from './http.ts';
export { HoldfastClient, type HoldfastClientOptions } from './client/temporal/client.ts';
export { type Config, readConfig } from './config.ts';
export { EXIT } from './errors.ts';

/** Over HTTP if the configuration names a gateway, else over Temporal. @throws HoldfastError TEMPORAL_UNREACHABLE */
export async function connect(config: Config): Promise<TaskClient> {
  return config.api === undefined ? HoldfastClient.connect(config) : new HoldfastHttpClient(config.api);
}
