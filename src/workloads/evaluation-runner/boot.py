"""Runs in the sample's own process, before and after it; given to `python3 -c` as text.

It takes what it needs of os before the sample can replace it. The token is in its frame: a sample that looks for it
there finds it, as it could replace the tests themselves.
"""

import os
import resource
import time


def boot(write=os.write, leave=os._exit):
    with open(3, 'rb') as given:
        head, _, program = given.read().partition(b'\n')
    cpu, space, size, token = head.split()
    os.chdir(os.environ['TMPDIR'])
    # What the sample runs itself has no business with the proof.
    os.set_inheritable(4, False)
    # Within its container's share: the runner must get its turn even among hundreds of forks.
    os.nice(10)
    bound(int(cpu), int(space), int(size))
    source = program.decode('utf-8', 'surrogatepass')
    write(4, b'R%.6f\n' % time.monotonic())
    try:
        # An empty namespace, as HumanEval's own harness gives it.
        exec(compile(source, '<sample>', 'exec'), {})
    except BaseException as error:
        reason = reason_of(error, source).replace('\n', ' ').encode('utf-8', 'replace')
        write(4, b'F' + reason[:2000] + b'\n')
        leave(1)
    write(4, b'P' + token)
    leave(0)


def bound(cpu, space, size):
    """The kernel counts the processes of this user on the whole node, those of other tasks too.

    Hence so high that only a fork bomb meets it: a lower one would let a bomb here fail the forks of samples elsewhere.
    """
    limit('CORE', 0)
    limit('NOFILE', 256)
    limit('NPROC', 2048)
    limit('FSIZE', size)
    limit('CPU', cpu, cpu + 1)
    if space > 0:
        limit('AS', space)


def limit(name, soft, hard=None):
    kind = getattr(resource, 'RLIMIT_' + name)
    most = resource.getrlimit(kind)[1]
    wanted = (soft, soft if hard is None else hard)
    resource.setrlimit(kind, wanted if most == resource.RLIM_INFINITY else tuple(min(most, one) for one in wanted))


def reason_of(error, source):
    try:
        if isinstance(error, SystemExit):
            return 'it left with sys.exit before the end of its tests'
        text = str(error)[:500]
        return type(error).__name__ + (': ' + text if text else '') + where(error.__traceback__, source)
    except BaseException:
        return 'it failed, and its error cannot be shown'


def where(step, source):
    line = 0
    while step:
        if step.tb_frame.f_code.co_filename == '<sample>':
            line = step.tb_lineno
        step = step.tb_next
    return ' (line %d: %s)' % (line, source.split('\n')[line - 1].strip()) if line else ''


boot()
