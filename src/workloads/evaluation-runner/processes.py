"""Who runs: the samples, what came from them, and what they left behind."""

import os
import signal


def end(pid):
    """-1 is everything that this process may kill, at one moment: not even a fork escapes."""
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def end_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass


def processes():
    """pid -> (parent, session, threads) of all that can be seen and still runs."""
    found = {}
    for name in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{name}/stat', 'rb') as file:
                fields = file.read().rpartition(b')')[2].split()
        except OSError:
            continue
        threads = int(fields[17])
        # The first thread of a process may be dead while others run.
        if fields[0] not in (b'Z', b'X') or threads > 1:
            found[int(name)] = (int(fields[1]), int(fields[3]), threads)
    return found


def census(live):
    """How many threads each running sample has, and the processes that belong to none that still runs."""
    found, crowds, strays = processes(), dict.fromkeys(live, 0), []
    for pid, (_, _, threads) in found.items():
        owner = owner_of(pid, found, live)
        if owner in live:
            crowds[owner] += threads
        elif owner == os.getpid() and pid != owner:
            strays.append(pid)
    return crowds, strays


def owner_of(pid, found, live):
    """The running sample that a process came from, this process for one without, 0 for one that is none of ours."""
    for _ in range(len(found)):
        if pid in live or pid == os.getpid() or pid not in found:
            return pid if pid in found or pid in live else 0
        parent, session, _ = found[pid]
        if session in live:
            return session
        pid = parent
    return 0
