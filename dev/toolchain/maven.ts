import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { obstacle } from '../obstacle.ts';
import type { Reporter } from '../report.ts';
import type { Paths } from '../system/paths.ts';
import { findProgram, run, tied } from '../system/processes.ts';
import { ensure } from './cache.ts';
import { sdkDownloadWorks } from './sdk-download.ts';

const source = join(import.meta.dirname, 'temporal-test-server');
const purpose = 'the time-skipping Temporal server that the workflow tests run on';

/**
 * The launcher of the time-skipping server, or undefined where the SDK can download one itself. It is also to be found
 * as `test-server` in the state folder, so that a test run by hand finds it.
 */
export async function ensureTestServer(paths: Paths, reporter: Reporter): Promise<string | undefined> {
  const pins = ['pom.xml', 'checksums.sha256'].map((name) => readFileSync(join(source, name), 'utf8'));
  if (findProgram('java') === undefined || findProgram('mvn') === undefined) {
    if (await sdkDownloadWorks()) return undefined;
    throw obstacle(
      `${findProgram('java') === undefined ? 'java' : 'mvn'} is not on the PATH`,
      purpose,
      'install a Java runtime (17 or newer) and Maven',
      'let the SDK download its own, which takes a way to https://temporal.download',
    );
  }
  const folder = await ensure(paths.cache, {
    name: 'temporal-test-server',
    key: pins,
    build: (target) => fetchJars(target, reporter),
  });
  const launcher = join(folder, 'temporal-test-server');
  linkTo(launcher, join(paths.state, 'test-server'));
  return launcher;
}

async function fetchJars(folder: string, reporter: Reporter): Promise<void> {
  const step = reporter.step('Fetching the time-skipping Temporal server', 'for the workflow tests, from Maven, once');
  const jars = join(folder, 'jars');
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy-dependencies';
  const [program = '', ...args] = tied([
    'mvn',
    '-B',
    '-q',
    '-f',
    join(source, 'pom.xml'),
    goal,
    '-DincludeScope=runtime',
    `-DoutputDirectory=${jars}`,
  ]);
  try {
    await run(program, args);
    assertChecksums(jars);
  } catch (error) {
    step.failed();
    throw error;
  }
  const script =
    '#!/bin/sh\nexec java -cp "$(dirname "$(readlink -f "$0")")/jars/*" io.temporal.testserver.TestServer "$@"\n';
  writeFileSync(join(folder, 'temporal-test-server'), script);
  chmodSync(join(folder, 'temporal-test-server'), 0o755);
  step.done();
}

function assertChecksums(jars: string): void {
  const wanted = new Map(
    readFileSync(join(source, 'checksums.sha256'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/\s+/))
      .map(([hash = '', name = '']) => [name, hash]),
  );
  for (const name of readdirSync(jars)) {
    const hash = createHash('sha256')
      .update(readFileSync(join(jars, name)))
      .digest('hex');
    if (wanted.get(name) !== hash)
      throw new Error(
        `${name} from Maven is not the file that dev/toolchain/temporal-test-server/checksums.sha256 names`,
      );
    wanted.delete(name);
  }
  if (wanted.size > 0) throw new Error(`Maven did not bring ${[...wanted.keys()].join(', ')}`);
}

function linkTo(target: string, link: string): void {
  mkdirSync(join(link, '..'), { recursive: true });
  const aside = `${link}.${process.pid}`;
  rmSync(aside, { force: true });
  symlinkSync(target, aside);
  renameSync(aside, link);
}
