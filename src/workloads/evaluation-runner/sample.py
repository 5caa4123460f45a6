"""One sample from its start to its verdict."""

import os
import re
import secrets
import signal
import sys
import time

from files import close, memory_file, pipe, read_all
from limits import HEARD
from processes import end_group

with open(os.path.join(os.path.dirname(__file__), 'boot.py'), encoding='utf-8') as text:
    BOOT = text.read()


class Sample:
    """One sample from its start to its verdict."""

    def __init__(self, index, task_id, program):
        self.index, self.task_id, self.program = index, task_id, program
        self.tries = 0
        self.suspected = False

    def start(self, settings):
        self.token = secrets.token_hex(16).encode()
        self.verdict = self.reason = self.ready = self.ended = self.status = None
        self.proof, self.said = b'', b''
        self.directory = os.path.join(settings.root, f'{self.index}-{secrets.token_hex(4)}')
        self.born = (time.monotonic(), time.time())
        given, proof, said = memory_file(self.head(settings) + self.program), pipe(), pipe()
        try:
            os.mkdir(self.directory, 0o700)
            self.pid = spawn(given, proof[1], said[1], self.directory)
        except OSError:
            close(proof[0], said[0])
            raise
        finally:
            close(given, proof[1], said[1])
        self.proof_fd, self.said_fd = proof[0], said[0]
        self.tries += 1

    def head(self, settings):
        return b'%d %d %d %s\n' % (int(settings.timeout) + 2, settings.space, settings.disk, self.token)

    def listen(self):
        self.proof = (self.proof + read_all(self.proof_fd))[:HEARD]
        self.said = (self.said + read_all(self.said_fd))[-HEARD:]
        ready = re.match(rb'R(\d+\.\d+)\n', self.proof)
        if self.ready is None and ready:
            self.ready = float(ready.group(1))

    def word(self):
        """What it has said of its end, as far as it has."""
        return self.proof.partition(b'\n')[2]

    def lacked(self):
        """Whether it failed for want of processes or of room, which a neighbour may have taken."""
        word = self.word()
        return word[:1] == b'F' and re.search(rb"\[Errno (11|28)\]|can't start new thread", word) is not None

    def give_up(self, verdict, reason):
        self.verdict, self.reason = self.verdict or verdict, self.reason or reason
        end_group(self.pid)

    def judge(self):
        """The verdict of a process that has ended: passed only with the proof that its tests were run to the end."""
        code = os.waitstatus_to_exitcode(self.status)
        word = self.word()
        if self.verdict is not None:
            return
        # Not the whole word: what the sample forked may have got as far, or failed, before it.
        if code == 0 and b'P' + self.token in word:
            self.verdict = 'passed'
        elif code == -signal.SIGXCPU:
            self.verdict, self.reason = 'timed_out', 'it used more processor time than its timeout allows'
        else:
            self.verdict, self.reason = 'failed', self.why(code, word)

    def why(self, code, word):
        if word[:1] == b'F':
            return word[1:].partition(b'\n')[0].decode('utf-8', 'replace')
        last = self.said.decode('utf-8', 'replace').strip().rpartition('\n')[2]
        if code == -signal.SIGKILL:
            return 'it was killed, also when it ran alone: for want of memory, or by itself'
        ended = f'exit code {code}' if code >= 0 else f'signal {signal.Signals(-code).name}'
        return f'it ended with {ended} before the end of its tests' + (f': {last}' if last else '')


def spawn(given, proof, said, directory):
    env = {'PATH': os.environ.get('PATH', os.defpath), 'HOME': directory, 'TMPDIR': directory, 'LANG': 'C.UTF-8',
           'OMP_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1'}
    files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
             (os.POSIX_SPAWN_DUP2, said, 2), (os.POSIX_SPAWN_DUP2, given, 3), (os.POSIX_SPAWN_DUP2, proof, 4)]
    command = [sys.executable, '-I', '-B', '-c', BOOT]
    return os.posix_spawn(sys.executable, command, env, file_actions=files, setsid=True, setsigmask=())
