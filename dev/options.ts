import { parseArgs } from 'node:util';

/** The name of the local cluster in its own kubeconfig. */
export const localContext = 'holdfast-local';

export const verbs = ['start', 'up', 'down', 'test', 'lab', 'bench', 'verify', 'build'] as const;
export type Verb = (typeof verbs)[number];

export interface Options {
  /** An existing Kubernetes context, named on purpose; undefined means our own local cluster. */
  readonly context: string | undefined;
  /** Use a simulated node even where real containers are possible. */
  readonly simulated: boolean;
  /** Simulated nodes beside the real one. */
  readonly simulatedNodes: number;
  readonly worker: boolean;
  readonly once: boolean;
  /** `verify` only: leave the unit tests to whoever runs every test next. */
  readonly tests: boolean;
  readonly json: boolean;
}

export interface CommandLine {
  readonly verb: Verb;
  readonly options: Options;
  /** What is not ours: given on to vitest, or to the laboratory. */
  readonly rest: readonly string[];
}

export class UsageError extends Error {}

const known = {
  context: { type: 'string' },
  simulated: { type: 'boolean', default: false },
  'simulated-nodes': { type: 'string', default: '0' },
  'no-tests': { type: 'boolean', default: false },
  'no-worker': { type: 'boolean', default: false },
  once: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

export function parseCommandLine(args: readonly string[], env: NodeJS.ProcessEnv): CommandLine {
  const [first, ...others] = args;
  const verb = verbs.find((name) => name === first);
  if (verb === undefined) throw new UsageError(`expected one of ${verbs.join(', ')}, got ${first ?? 'nothing'}`);
  // Vitest and the laboratory have options of their own; only ours are taken out of what they were given.
  const passesOn = verb === 'test' || verb === 'lab' || verb === 'bench';
  const ours = passesOn ? others.filter((arg, i) => isOurs(arg, others[i - 1])) : others;
  const rest = passesOn ? others.filter((arg, i) => !isOurs(arg, others[i - 1])) : [];
  const { values } = parseOrExplain(ours);
  const simulatedNodes = Number(values['simulated-nodes']);
  if (!Number.isInteger(simulatedNodes) || simulatedNodes < 0 || simulatedNodes > 1000)
    throw new UsageError(`--simulated-nodes takes a number from 0 to 1000, got ${values['simulated-nodes']}`);
  return {
    verb,
    rest,
    options: {
      context: existingContext(values.context ?? env['HOLDFAST_KUBE_CONTEXT']),
      simulated: values.simulated,
      simulatedNodes,
      worker: !values['no-worker'],
      tests: !values['no-tests'],
      once: values.once,
      json: values.json,
    },
  };
}

/** The name of our own, left in a shell from an environment that has ended, means a cluster of our own again. */
function existingContext(name: string | undefined): string | undefined {
  return name === '' || name === localContext ? undefined : name;
}

function parseOrExplain(args: string[]) {
  try {
    return parseArgs({ args, options: known, allowPositionals: false });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function isOurs(arg: string, before: string | undefined): boolean {
  return (
    /^--(context|simulated|simulated-nodes)(=|$)/.test(arg) || before === '--context' || before === '--simulated-nodes'
  );
}
