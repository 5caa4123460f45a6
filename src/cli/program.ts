/** The words that are understood. What they do is loaded when it is asked for: help must not wait for Temporal. */
import { Command, Option } from 'commander';
import { version } from '../version.ts';
import type { CancelWords } from './commands/cancel.ts';
import type { LogsWords } from './commands/logs.ts';
import type { RunOptions } from './commands/run.ts';
import type { SweepWords } from './commands/sweep.ts';
import { COMMAND_HELP, EVALUATION_HELP, JSON_HELP, KILL_HELP, SWEEP_HELP, TOP_HELP } from './help.ts';
import type { KillWords } from './kill-words.ts';
import type { CommandOptions, EvaluationOptions } from './task-options.ts';

type Exit = (code: number) => void;
type Json = { readonly json?: boolean };

const JSON_OPTION = ['--json', 'one JSON object on stdout and nothing else there; the rest goes to stderr'] as const;
const JSON_LINES = ['--json', 'one JSON object per line'] as const;

export function createProgram(exit: Exit): Command {
  const program = command('holdfast')
    .description('Runs tasks as Kubernetes Jobs, durably, on Temporal. Cancelled means cancelled.')
    .version(version(), '--version', 'print the version')
    .addHelpText('after', TOP_HELP);
  const run = command('run').description('start a task and follow it to its end').addHelpText('after', JSON_HELP);
  run.addCommand(evaluationCommand(exit)).addCommand(commandCommand(exit));
  program.addCommand(run);
  for (const add of [statusCommand, logsCommand, cancelCommand, killCommand, listCommand, sweepCommand, gatewayCommand])
    program.addCommand(add(exit));
  return program;
}

/** Errors come to main.ts, which tells them our way. */
function command(name: string): Command {
  return new Command(name)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ helpWidth: 110, showGlobalOptions: false })
    .helpOption('-h, --help', 'say how it is used')
    .helpCommand('help [command]', 'say how a command is used');
}

function evaluationCommand(exit: Exit): Command {
  const evaluation = command('evaluation')
    .description("run samples against problems in HumanEval's format, each in a process of its own")
    .usage('--problems FILE --samples FILE [options]')
    .option('--problems <file>', 'JSON lines {task_id, prompt, entry_point, test}, plain or .gz; - for standard input')
    .option('--samples <file>', 'JSON lines {task_id, completion}, plain or .gz; - for standard input')
    .option('--image <image>', "image with python3, 3.9 or newer (default: the worker's HOLDFAST_PYTHON_IMAGE)")
    .option('--sample-timeout <seconds>', 'how long one sample may run, 0.1 to 600 (default: 3)')
    .option('--parallel <n>', 'samples at the same time, 1 to 64 (default: the cores of --cpu)')
    .addHelpText('after', EVALUATION_HELP);
  return withSettings(evaluation).action(async (options: EvaluationOptions & RunOptions) => {
    const { runEvaluation } = await import('./commands/run.ts');
    exit(await runEvaluation(options));
  });
}

function commandCommand(exit: Exit): Command {
  const any = command('command')
    .description('run a command in an image')
    .usage('--image IMAGE [options] [-- command words…]')
    .argument('[words...]', 'what to run, after --')
    .option('--image <image>', 'image to run')
    .option('--entrypoint <word>', "replace the image's entry point; the words after -- are its arguments")
    .option('--keep-entrypoint', "keep the image's entry point; the words after -- are its arguments")
    .option('--file <host:container[:mode]>', 'put a file into the container, read-only; repeatable', several)
    .option('--env <name=value>', 'set a variable, which stands in Temporal’s history: no secrets; repeatable', several)
    .addHelpText('after', COMMAND_HELP);
  return withSettings(any).action(async (words: readonly string[], options: CommandOptions & RunOptions) => {
    const { runCommand } = await import('./commands/run.ts');
    exit(await runCommand(words, options));
  });
}

/** What every workload has. Defaults are the contract's, said here so that they can be read. */
function withSettings(task: Command): Command {
  return task
    .option('--id <id>', 'id of the task; the same id with the same input finds the task again (default: a new one)')
    .option('--priority <1..5>', 'who is served first when there is not room for all; 1 is first (default: 3)')
    .option(
      '--timeout <span>',
      'from the start of the Job to its forced end, waiting for a node and the image included, 1s to 7d (default: 1h)',
    )
    .option('--grace <span>', 'between SIGTERM and SIGKILL, 0s to 10m (default: 5s)')
    .option('--cpu <amount>', 'cores, e.g. 500m or 2 (default: 1)')
    .option('--memory <amount>', 'memory, e.g. 512Mi or 4Gi (default: 512Mi)')
    .option('--tmp <amount>', 'size of /tmp, the only place to write to (default: 64Mi)')
    .option('--device <name=count>', 'extended resource, e.g. nvidia.com/gpu=1; repeatable', several)
    .option('--runtime-class <name>', "RuntimeClass, e.g. gvisor (default: the cluster's own)")
    .option('--node-selector <label=value>', 'label that the node must have; repeatable', several)
    .addOption(new Option('--network <none|cluster>', 'whether it may use the network (default: none)'))
    .option('--retries <n>', 'run anew if its Pod was evicted or preempted or its node was lost, 0 to 10 (default: 0)')
    .option('-d, --detach', 'print the id and leave; the task goes on')
    .option(...JSON_OPTION);
}

function several(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function statusCommand(exit: Exit): Command {
  return command('status')
    .description('show where a task is, or how it ended')
    .argument('<id>', 'id of the task')
    .option(...JSON_OPTION)
    .action(async (id: string, options: Json) => {
      const { status } = await import('./commands/status.ts');
      exit(await status(id, options));
    });
}

function logsCommand(exit: Exit): Command {
  return command('logs')
    .description('print what the containers of a task wrote, also when its Job is gone')
    .argument('<id>', 'id of the task')
    .option('-f, --follow', 'wait for more until the task has ended')
    .option('--timestamps', 'put the time before each line')
    .option(...JSON_LINES)
    .action(async (id: string, options: LogsWords) => {
      const { logs } = await import('./commands/logs.ts');
      exit(await logs(id, options));
    });
}

function cancelCommand(exit: Exit): Command {
  return command('cancel')
    .description('end a task; answers when none of its containers runs, and none ever will')
    .argument('<id>', 'id of the task')
    .option('--reason <text>', 'why; it is kept with the task, at most 1,000 characters')
    .option('--wait', 'wait for the true answer (this is the default)', true)
    .option('--no-wait', 'only ask; the answer is then "cancelling"')
    .option(...JSON_OPTION)
    .action(async (id: string, options: CancelWords) => {
      const { cancel } = await import('./commands/cancel.ts');
      exit(await cancel(id, options));
    });
}

function killCommand(exit: Exit): Command {
  return command('kill')
    .description('end a task, or many, without a worker: when a cancel cannot proceed')
    .usage('ID [options] | [--workload NAME] [--label NAME=VALUE] [--older-than SPAN] [options]')
    .argument('[id]', 'id of the task')
    .option('--reason <text>', "why; it is kept in Temporal's history, at most 1,000 characters")
    .option('--wait <span>', 'how long nodes may take to say that containers ended, 0s to 10m (default: 30s)')
    .option('--workload <name>', 'instead of an id: tasks of this workload')
    .option('--label <name=value>', 'instead of an id: tasks whose Kubernetes objects have it; repeatable', several)
    .option('--older-than <span>', 'instead of an id: tasks whose first object is older, e.g. 2h')
    .option('--dry-run', 'only list the tasks')
    .option('--yes', 'kill them without asking')
    .option('--json', 'one JSON object per task on stdout')
    .addHelpText('after', KILL_HELP)
    .action(async (id: string | undefined, options: KillWords) => {
      const { kill } = await import('./commands/kill.ts');
      exit(await kill(id, options));
    });
}

function listCommand(exit: Exit): Command {
  return command('list')
    .description('list tasks: the open ones, newest first, then what ended last')
    .option('--limit <n>', 'how many at most', '20')
    .option(...JSON_LINES)
    .action(async (options: Json & { readonly limit: string }) => {
      const { list } = await import('./commands/list.ts');
      exit(await list(options));
    });
}

function sweepCommand(exit: Exit): Command {
  return command('sweep')
    .description('remove what no task owns any more, for when no worker lives; until it is stopped')
    .option('--once', 'one sweep: look, and where something is suspected look again; then leave')
    .option('--dry-run', 'say what would be removed, and remove nothing')
    .addOption(
      new Option(
        '--schedule <span>',
        'make a Temporal Schedule that lets a worker sweep this often, 10s to 1d',
      ).conflicts(['once', 'dryRun', 'unschedule']),
    )
    .addOption(new Option('--unschedule', 'remove that schedule').conflicts(['once', 'dryRun']))
    .option('--json', 'one JSON object per sweep on stdout')
    .addHelpText('after', SWEEP_HELP)
    .action(async (options: SweepWords) => {
      const { sweep } = await import('./commands/sweep.ts');
      exit(await sweep(options));
    });
}

function gatewayCommand(exit: Exit): Command {
  return command('gateway')
    .description('serve the HTTP API at HOLDFAST_GATEWAY_ADDRESS until SIGTERM or Ctrl-C')
    .action(async () => {
      const { gateway } = await import('./commands/gateway.ts');
      exit(await gateway());
    });
}
