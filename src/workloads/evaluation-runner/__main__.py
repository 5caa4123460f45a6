"""Runs every sample of an evaluation in a process of its own and says how each ended, one line per sample.

It is PID 1 of a container with a read-only root. What must hold whatever a sample does:
- Only this process writes lines that begin with the nonce: it is undumpable before the first sample starts, so no
  sample (same user) can open its /proc/PID/fd or read the nonce from its environment or memory.
- Nothing of a sample outlives it: it is the reaper of all that a sample leaves behind, and kills that before it says
  the verdict.
- SIGTERM from outside the container ends all at once; one that a sample sends is not believed.
A sample can make an evaluation fail (it may starve it); it cannot make it lie about other samples.
Python 3.9 and newer, standard library only.
"""

import ctypes
import gzip
import json
import os
import resource
import signal
import tempfile

from limits import RUNNER_ROOM
from runner import WATCHED, CannotWork, Runner, warn
from sample import Sample

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36


class Settings:
    def __init__(self, env, here):
        self.nonce = env.pop('HOLDFAST_NONCE')
        self.timeout = float(env.pop('HOLDFAST_SAMPLE_TIMEOUT', '3'))
        self.parallel = int(env.pop('HOLDFAST_PARALLEL', '1'))
        # 1: everything under /tmp and /dev/shm is the samples', and goes with them.
        self.owns_tmp = env.pop('HOLDFAST_OWNS_TMP', '') == '1'
        memory = int(env.pop('HOLDFAST_MEMORY_BYTES', '0'))
        self.space = max((memory - RUNNER_ROOM) // self.parallel, 128 << 20) if memory else 0
        self.disk = max(int(env.pop('HOLDFAST_TMP_BYTES', str(64 << 20))) * 3 // 4 // self.parallel, 64 << 10)
        self.here = here
        self.root = tempfile.mkdtemp(prefix='holdfast-')


def rows(path):
    with gzip.open(path, 'rt', encoding='utf-8') as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def programs(settings, problems):
    for index, row in enumerate(rows(os.path.join(settings.here, 'samples.jsonl.gz'))):
        problem = problems[row['task_id']]
        program = f"{problem['prompt']}{row['completion']}\n{problem['test']}\ncheck({problem['entry_point']})"
        yield Sample(index, row['task_id'], program.encode('utf-8', 'surrogatepass'))


def close_the_shutters():
    """Before any sample: nobody reads this process or its descriptors, and all orphans come to it."""
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((PR_SET_DUMPABLE, 0), (PR_SET_CHILD_SUBREAPER, 1)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise CannotWork(f'prctl({option}) failed: {os.strerror(ctypes.get_errno())}')
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    if os.getpid() == 1:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main():
    close_the_shutters()
    settings = Settings(os.environ, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    here = settings.here
    problems = {row['task_id']: row for row in rows(os.path.join(here, 'problems.jsonl.gz'))}
    asked = [row['task_id'] for row in rows(os.path.join(here, 'samples.jsonl.gz'))]
    attempted = set(asked)
    without = [task_id for task_id in problems if task_id not in attempted]
    runner = Runner(settings, len(asked))
    runner.tell('start', total=len(asked), unattempted={'count': len(without), 'first': without[:20]})
    try:
        runner.run(programs(settings, problems))
    finally:
        runner.end()
    runner.tell('end', **runner.counts)


if __name__ == '__main__':
    try:
        main()
    except BaseException as error:
        warn(f'the evaluation cannot go on: {type(error).__name__}: {error}')
        os._exit(1)
