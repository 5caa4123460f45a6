/** From whatever was thrown to what a person and a script are told: what happened, why, what to do, which exit code. */
import { CommanderError } from 'commander';
import { ERRORS, EXIT, HoldfastError } from '../errors.ts';
import { detailsOf, grpcStatus, isAway, isRefused } from '../temporal-error.ts';

export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly next: string;
  /** Everything that is wrong with the input, by field. */
  readonly problems?: readonly FieldProblem[];
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly exit: number;
  /** Whether the help stands on the screen, so that nothing more need be said. */
  readonly helped?: true;
  /** Where in the code it happened; only with HOLDFAST_LOG_LEVEL=debug or trace. */
  readonly trace?: string;
}

/** Commander's code for a group of commands without one of them; it has printed the help by then. */
const NO_COMMAND = 'commander.help';
const HELP = '`holdfast --help` lists what is accepted; `holdfast run command --help` says more about one command.';

/** For faults of our own, and of the libraries we use. */
const BUG = {
  code: 'CLI_FAULT',
  next: 'This is a fault in Holdfast; please report it with the message. HOLDFAST_LOG_LEVEL=debug shows where it happened.',
  exit: EXIT.bug,
} as const;

export async function failureOf(error: unknown): Promise<Failure> {
  const trace = (await isDebugging()) && error instanceof Error ? { trace: stackOf(error) } : {};
  return { ...told(error), ...trace };
}

function told(error: unknown): Failure {
  if (error instanceof CommanderError) return ofWords(error);
  if (error instanceof HoldfastError) return ofHoldfast(error);
  return ofTemporal(error) ?? { ...BUG, message: error instanceof Error ? error.message : String(error) };
}

/** Commander says it in one sentence, sometimes with a guess at what was meant on a second line. */
function ofWords({ code, message }: CommanderError): Failure {
  if (code === NO_COMMAND)
    return { code: 'USAGE', message: 'No command was given.', next: HELP, exit: EXIT.badInput, helped: true };
  const sentence = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  const next = message.includes('unknown option')
    ? 'Put `--` before the words of a command that is to run; `holdfast --help` lists what is accepted.'
    : HELP;
  return { code: 'USAGE', message: `${upperFirst(sentence)}.`.replace(/([.?)])\.$/, '$1'), next, exit: EXIT.badInput };
}

function ofHoldfast({ code, message, next, facts, cause }: HoldfastError): Failure {
  const { problems, ...rest } = facts as { readonly problems?: readonly FieldProblem[] };
  const why = code === 'TEMPORAL_UNREACHABLE' ? whyUnreachable(cause) : '';
  return {
    code,
    message: `${message}${why}`,
    next,
    ...(problems && { problems }),
    ...(Object.keys(rest).length > 0 && { facts: rest }),
    exit: ERRORS[code].exit,
  };
}

function whyUnreachable(cause: unknown): string {
  const text = cause instanceof Error ? detailsOf(cause) : '';
  return text === '' || /before the deadline/i.test(text) ? '' : ` ${upperFirst(text.replace(/\.?$/, '.'))}`;
}

/** What Temporal's own client throws past ours. */
function ofTemporal(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const namespace = missingNamespace(error);
  if (namespace !== undefined)
    return {
      code: 'CONFIG_INVALID',
      message: `Temporal has no namespace ${JSON.stringify(namespace)}.`,
      next: 'Set TEMPORAL_NAMESPACE to one that exists; `temporal operator namespace list` shows them.',
      exit: ERRORS.CONFIG_INVALID.exit,
    };
  if (grpcStatus(error) === undefined) return undefined;
  const { next, exit } = ERRORS.TEMPORAL_UNREACHABLE;
  const why = upperFirst(detailsOf(error).replace(/\.?$/, '.'));
  if (isRefused(error))
    return {
      code: 'TEMPORAL_UNREACHABLE',
      message: `Temporal refuses us: ${why}`,
      next: 'Check TEMPORAL_API_KEY or the certificates of your profile, and what they allow.',
      exit,
    };
  return isAway(error)
    ? { code: 'TEMPORAL_UNREACHABLE', message: `Temporal does not answer: ${why}`, next, exit }
    : undefined;
}

function missingNamespace(error: Error): string | undefined {
  if (error.name === 'NamespaceNotFoundError' && 'namespace' in error) return String(error.namespace);
  return error.cause instanceof Error ? missingNamespace(error.cause) : undefined;
}

/** Only config.ts reads the environment; when the configuration itself is broken, nobody is debugging. */
async function isDebugging(): Promise<boolean> {
  try {
    const { readConfig } = await import('../config.ts');
    return ['debug', 'trace'].includes(readConfig().logLevel);
  } catch {
    return false;
  }
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
