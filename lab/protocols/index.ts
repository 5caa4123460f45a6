/** Every protocol of the laboratory's real-cluster tier, in the order of the table. */
import { BASELINES } from './baselines.ts';
import { holdfast } from './holdfast.ts';
import { plainTemporal } from './plain-temporal/stage.ts';
import { onPlatform } from './platform-stage.ts';
import type { Protocol } from './protocol.ts';

export const PROTOCOLS: readonly Protocol[] = [...BASELINES.map(onPlatform), plainTemporal, holdfast];
