/** How callers prove who they are, as it was configured. */
import type { GatewayConfig } from '../../config.ts';
import { HoldfastError } from '../../errors.ts';
import { anyone, type Identify } from './guard.ts';

/** @throws HoldfastError CONFIG_INVALID if nothing was said, or if everybody would be let in from elsewhere. */
export function createIdentify(config: GatewayConfig): Identify {
  if (!config.open) throw unsaid();
  if (!isLoopback(config.host)) throw tooOpen(config);
  return anyone;
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

function unsaid(): HoldfastError {
  const field = 'HOLDFAST_GATEWAY_AUTH';
  const message = 'is not set; `none` lets everybody in, on loopback only.';
  return new HoldfastError('CONFIG_INVALID', `${field} ${message}`, { problems: [{ field, message }] });
}

function tooOpen({ host }: GatewayConfig): HoldfastError {
  const field = 'HOLDFAST_GATEWAY_AUTH';
  const message = `is none, which is accepted on loopback only; the gateway would listen at ${host}.`;
  return new HoldfastError('CONFIG_INVALID', `${field} ${message}`, { problems: [{ field, message }] });
}
