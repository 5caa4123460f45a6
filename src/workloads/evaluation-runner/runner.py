"""The loop over all samples: start, listen, judge, sweep, tell."""

import json
import os
import signal
import time

from files import close, made_before, remove_tree, scan, writes_too_much
from limits import CENSUS, CROWD, ENTRIES, LINES, START, TICK, TRIES
from processes import census, end, end_group

WATCHED = {signal.SIGTERM, signal.SIGCHLD}


class CannotWork(Exception):
    """The runner itself cannot go on; no sample is to blame."""


class Runner:
    def __init__(self, settings, total):
        self.settings, self.total = settings, total
        self.live, self.counts = {}, {'passed': 0, 'failed': 0, 'timed_out': 0}
        self.counted = 0.0
        self.suspects = []

    def run(self, samples):
        self.together(samples)
        # Who lacked something, or was killed, and not by us, may have paid for a neighbour: alone it shows.
        while self.suspects:
            self.together(iter([self.suspects.pop(0)]))

    def together(self, samples):
        waiting = []
        while True:
            while len(self.live) < self.settings.parallel:
                sample = waiting.pop() if waiting else next(samples, None)
                if sample is None or not self.start(sample, waiting):
                    break
            if not self.live and not waiting:
                return
            self.wait()
            self.reap()
            for sample in list(self.live.values()):
                sample.listen()
                if sample.status is None:
                    self.watch(sample)
                else:
                    self.finish(sample, waiting)
            self.count()

    def start(self, sample, waiting):
        try:
            sample.start(self.settings)
        except OSError as error:
            # A neighbour may have taken every process or all of /tmp; alone, there is nobody else to blame.
            if not self.live:
                raise CannotWork(f'cannot start a process: {error}') from error
            waiting.append(sample)
            return False
        self.live[sample.pid] = sample
        return True

    def wait(self):
        info = signal.sigtimedwait(WATCHED, TICK)
        if info is None or info.si_signo != signal.SIGTERM:
            return
        # Inside the container every sender has a pid of ours. 0 is the node's, and SI_USER (0) cannot be feigned.
        if os.getpid() == 1 and (info.si_pid != 0 or info.si_code != 0):
            return
        self.stop()

    def stop(self):
        self.end()
        os._exit(143)

    def end(self):
        for pid in self.live:
            end_group(pid)
        self.live = {}
        self.sweep(0.5)
        self.remove(self.settings.root)

    def reap(self):
        """Takes every dead child, a sample's group being killed while its number is still its own."""
        while True:
            try:
                dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if dead is None:
                return
            sample = self.live.get(dead.si_pid)
            if sample:
                end_group(dead.si_pid)
            _, status = os.waitpid(dead.si_pid, 0)
            if sample:
                sample.status, sample.ended = status, time.monotonic()

    def watch(self, sample):
        now = time.monotonic()
        if sample.ready is None:
            if now - sample.born[0] > START:
                raise CannotWork(f'Python did not start within {START:g} seconds')
        elif now - sample.ready > self.settings.timeout:
            sample.give_up('timed_out', f'it ran longer than {self.settings.timeout:g} seconds')

    def count(self):
        if not self.live or time.monotonic() - self.counted < CENSUS:
            return
        self.counted = time.monotonic()
        self.quell(*census(self.live))
        for sample in self.live.values():
            if writes_too_much(sample.directory, self.settings.disk):
                sample.give_up('failed', f'it wrote more than {self.settings.disk} bytes or {ENTRIES} files')

    def quell(self, crowds, strays):
        """A fork bomb outruns whoever kills it one by one; PID 1 may kill all at once; the others start again."""
        bombs = [pid for pid, count in crowds.items() if count > CROWD]
        for pid in bombs:
            reason = f'it made {crowds[pid]} processes and threads; at most {CROWD} are accepted'
            self.live[pid].give_up('failed', reason)
        if (bombs or len(strays) > CROWD) and os.getpid() == 1:
            self.reap()
            end(-1)

    def finish(self, sample, waiting):
        del self.live[sample.pid]
        self.sweep(5.0)
        sample.listen()
        close(sample.proof_fd, sample.said_fd)
        self.tidy(sample)
        killed = os.waitstatus_to_exitcode(sample.status) == -signal.SIGKILL
        if (killed or sample.lacked()) and sample.verdict is None and not sample.suspected:
            sample.suspected, sample.tries = True, 0
            self.suspects.append(sample)
            return
        if sample.ready is None:
            self.retry(sample, waiting)
            return
        sample.judge()
        self.counts[sample.verdict] += 1
        seconds = round(max(0.0, sample.ended - sample.ready), 3)
        self.tell_sample(sample, seconds)

    def retry(self, sample, waiting):
        """It died before its own code began: not the sample's doing, but perhaps a neighbour's."""
        if sample.tries >= TRIES:
            last = sample.said.decode('utf-8', 'replace').strip().rpartition('\n')[2]
            raise CannotWork(f'Python does not start: {last or sample.status}')
        waiting.append(sample)

    def sweep(self, seconds):
        """Kills what belongs to no running sample, again and again until nothing is left of it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.reap()
            crowds, strays = census(self.live)
            if not strays:
                return
            # Or a second fork bomb grows while the first is put down.
            self.quell(crowds, strays)
            for pid in strays:
                end(pid)
            time.sleep(0.002)
        warn('processes of a sample are still there after they were killed')

    def tidy(self, sample):
        self.remove(sample.directory)
        if not self.settings.owns_tmp:
            return
        # What a running sample may have made itself is left until it has ended.
        oldest = min((other.born[1] for other in self.live.values()), default=float('inf'))
        for place in ('/tmp', '/dev/shm'):
            for entry in scan(place):
                if entry.path != self.settings.root and made_before(entry, oldest):
                    self.remove(entry.path)

    def remove(self, path):
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                remove_tree(path, self.settings.root)
            else:
                os.unlink(path)
        except OSError as error:
            warn(f'a file of a sample cannot be removed: {error}')

    def tell_sample(self, sample, seconds):
        said = {'index': sample.index, 'task_id': sample.task_id, 'verdict': sample.verdict, 'seconds': seconds}
        room = LINES // max(1, self.total) - len(self.line('sample', said)) - 20
        if sample.reason and room > 0:
            said['reason'] = one_line(sample.reason, min(200, room))
        write_all(self.line('sample', said))

    def tell(self, kind, **said):
        write_all(self.line(kind, said))

    def line(self, kind, said):
        text = json.dumps({'kind': kind, **said}, ensure_ascii=False)
        return f'{self.settings.nonce} {text}\n'.encode('utf-8', 'backslashreplace')


def one_line(text, most):
    shown = ' '.join(''.join(char if char.isprintable() else ' ' for char in text).split())
    if len(shown.encode('utf-8', 'replace')) <= most:
        return shown
    return shown.encode('utf-8', 'replace')[: max(0, most - 3)].decode('utf-8', 'ignore') + '…'


def write_all(content):
    while content:
        content = content[os.write(1, content):]


def warn(text):
    os.write(2, f'holdfast: {text}\n'.encode())
