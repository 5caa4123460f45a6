import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter } from '../report.ts';
import { run } from '../system/processes.ts';
import { nodeBinary } from '../system/paths.ts';

/** Whether the place that the SDK downloads its servers from can be reached at all. Without internet this is known at once. */
export function sdkDownloadWorks(): Promise<boolean> {
  return fetch('https://temporal.download/', { method: 'HEAD', signal: AbortSignal.timeout(3_000) }).then(
    () => true,
    () => false,
  );
}

/** The dev server as the SDK fetches it for its own tests, kept in our cache; undefined where that does not work. */
export async function sdkTemporal(cache: string, reporter: Reporter): Promise<string | undefined> {
  const folder = join(cache, 'sdk-download');
  const found = downloaded(folder);
  if (found !== undefined) return found;
  if (!(await sdkDownloadWorks())) return undefined;
  mkdirSync(folder, { recursive: true });
  const step = reporter.step('Downloading the Temporal dev server', "the SDK's own download, once");
  try {
    await run(nodeBinary, ['--input-type=module', '--eval', script, folder], {
      cwd: import.meta.dirname,
      timeout: 180_000,
    });
    step.done();
  } catch {
    step.failed('it will be built instead');
  }
  return downloaded(folder);
}

/** The SDK has no call that only downloads, so a server is started and ended. */
const script = `
  import { TestWorkflowEnvironment } from '@temporalio/testing';
  const executable = { type: 'cached-download', downloadDir: process.argv[1] };
  const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
  await environment.teardown();
`;

function downloaded(folder: string): string | undefined {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const name = names.find((file) => file.startsWith('temporal-') && !file.endsWith('.downloading'));
  return name === undefined ? undefined : join(folder, name);
}
