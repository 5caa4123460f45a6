"""Pipes to a sample, and the files that it leaves."""

import fcntl
import itertools
import os
import secrets

from limits import ENTRIES


def pipe():
    """Both ends above the descriptors that a child is given; the reading end never blocks."""
    ends = tuple(high(end) for end in os.pipe())
    os.set_blocking(ends[0], False)
    return ends


def memory_file(content):
    """Not on /tmp: a sample may have filled it."""
    file = high(os.memfd_create('sample', os.MFD_CLOEXEC))
    with open(os.dup(file), 'wb') as out:
        out.write(content)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def high(descriptor):
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    finally:
        os.close(descriptor)


def close(*descriptors):
    for descriptor in descriptors:
        os.close(descriptor)


def read_all(descriptor):
    """What is there now, at most 1 MiB, so that one that never stops cannot hold the others up."""
    parts = []
    try:
        for _ in range(16):
            part = os.read(descriptor, 1 << 16)
            if not part:
                break
            parts.append(part)
    except BlockingIOError:
        pass
    return b''.join(parts)


def remove_tree(directory, grave):
    """Flat, not recursive: a tree may be deeper than Python or a path can go, and closed to its own user."""
    pending = [directory]
    while pending:
        current = pending.pop()
        os.chmod(current, 0o700)
        with os.scandir(current) as entries:
            batch = list(itertools.islice(entries, 1000))
        if not batch:
            os.rmdir(current)
            continue
        pending.append(current)
        for entry in batch:
            if entry.is_dir(follow_symlinks=False):
                flat = os.path.join(grave, f'grave-{secrets.token_hex(8)}')
                os.chmod(entry.path, 0o700)
                os.rename(entry.path, flat)
                pending.append(flat)
            else:
                os.unlink(entry.path)


def writes_too_much(directory, limit):
    pending, size, count = [directory], 0, 0
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    size, count = size + entry.stat(follow_symlinks=False).st_blocks * 512, count + 1
                    if size > limit or count > ENTRIES:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
        except OSError:
            continue
    return False


def scan(place):
    try:
        with os.scandir(place) as entries:
            return list(itertools.islice(entries, 10000))
    except OSError:
        return []


def made_before(entry, moment):
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return status.st_uid == os.getuid() and status.st_ctime < moment - 0.1
