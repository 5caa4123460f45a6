/** Writes the workflow bundle beside the worker's file, so that workers start without a bundler. */
import { writeFile } from 'node:fs/promises';
import { createLogger } from './telemetry.ts';
import { bundleWorkflows } from './worker.ts';

const { code } = await bundleWorkflows(createLogger('warn'));
await writeFile(new URL('./workflow-bundle.js', import.meta.url), code);
