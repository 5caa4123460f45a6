/** `npm run lab -- VERB`: the laboratory. Each verb is a module of its own, loaded only when it is asked for. */

interface Verb {
  readonly usage: string;
  readonly run: (args: readonly string[]) => void | Promise<void>;
}

/** A new verb is one new line here. */
const VERBS: Readonly<Record<string, () => Promise<Verb>>> = {
  model: () => import('./model/verb.ts'),
  conformance: () => import('./model/conformance-verb.ts'),
  cancels: () => import('./cancels/verb.ts'),
  sweep: () => import('./sweep/verb.ts'),
  soak: () => import('./soak/verb.ts'),
  report: () => import('./report/verb.ts'),
  bench: () => import('./bench/verb.ts'),
};

const [name = '--help', ...args] = process.argv.slice(2);
const load = VERBS[name];
if (load === undefined) {
  const verbs = await Promise.all(Object.values(VERBS).map(async (verb) => (await verb()).usage));
  console.log(verbs.join('\n\n'));
  process.exitCode = name === '--help' ? 0 : 2;
} else {
  const verb = await load();
  try {
    await verb.run(args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  }
}
