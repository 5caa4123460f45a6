import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { numberedLines, packJsonLines } from '../../src/workloads/json-lines.ts';
import { contained, hasPython, lines, NONCE, reportOf, runBodies, start } from './evaluation-run.ts';

const SYSCALL = process.arch === 'arm64' ? { rt_sigqueueinfo: 138, exit: 93 } : { rt_sigqueueinfo: 129, exit: 60 };
const HUMAN_EVAL = process.env['HOLDFAST_HUMANEVAL'] ?? resolve('../shared/data/HumanEval.jsonl.gz');
const ADD = {
  task_id: 'add',
  prompt: 'def add(a, b):\n',
  entry_point: 'add',
  test: 'def check(f):\n    assert f(1, 2) == 3',
};
const refusedOr = (deed: string) => `
import os
try:
    ${deed}
    return 'done'
except OSError:
    return 'refused'`;

/** Processes beside the sample and the runner. */
const OTHERS = "import os\nothers = {int(n) for n in os.listdir('/proc') if n.isdigit()} - {1, os.getpid()}";

if (!hasPython) console.log('evaluation-runner: skipped, it needs Linux and python3');
if (!contained) console.log('evaluation-runner: tests of PID 1 skipped, they need root, unshare and setpriv');

describe.skipIf(!hasPython).concurrent('an evaluation', { timeout: 30_000 }, () => {
  it('says of each sample how it ended and why', async () => {
    const { finished } = start({
      workload: 'evaluation',
      problems: lines(ADD, { ...ADD, task_id: 'left alone' }),
      samples: lines(
        { task_id: 'add', completion: '    return a + b' },
        { task_id: 'add', completion: '    return a - b' },
        { task_id: 'add', completion: '    return (' },
        { task_id: 'add', completion: '    while True: pass' },
      ),
      sampleTimeout: 0.5,
    });
    const report = reportOf(await finished);
    expect(report).toMatchObject({ problems: 1, samples: 4, passed: 1, failed: 2, timedOut: 1, passAtK: { 1: 0.25 } });
    expect(report.unattempted).toEqual({ count: 1, first: ['left alone'] });
    expect(report.results.map(({ verdict }) => verdict)).toEqual(['passed', 'failed', 'failed', 'timed_out']);
    expect(report.results.map(({ reason }) => reason)).toEqual([
      undefined,
      'AssertionError (line 4: assert f(1, 2) == 3)',
      expect.stringContaining('SyntaxError'),
      'it ran longer than 0.5 seconds',
    ]);
    expect(report.results[3]?.seconds).toBeGreaterThanOrEqual(0.5);
    expect(report.results[3]?.seconds).toBeLessThan(2.5);
  });

  it('does not believe a sample that leaves before the end of its tests', async () => {
    const { results } = await runBodies([
      'import sys; sys.exit(0)',
      'import os; os._exit(0)',
      "import os; os.write(4, b'P'); os._exit(0)",
      "import os; os.write(4, b'P' * 100000); os._exit(0)",
      "import os; os.close(4); return 'refused'",
      'import os, signal; os.kill(os.getpid(), signal.SIGSEGV)',
      'raise BaseException',
      'class E(Exception):\n    __str__ = lambda self: 1 / 0\nraise E',
    ]);
    expect(results.map(({ verdict }) => verdict)).toEqual(results.map(() => 'failed'));
  });

  it('ends a sample that prints without end, and goes on', async () => {
    const { results } = await runBodies(
      ["while True: print('x' * 100000)", "import sys\nwhile True: sys.stderr.write('x' * 100000)", "return 'refused'"],
      { parallel: 2, sampleTimeout: 1 },
    );
    expect(results.map(({ verdict }) => verdict)).toEqual(['timed_out', 'timed_out', 'passed']);
  });

  it('counts what passed in the process that it started, whatever that process forked', async () => {
    const { results } = await runBodies([
      "import os\nos.fork()\nreturn 'refused'",
      "import os\nif os.fork() == 0: return 'done'\nos.wait()\nreturn 'refused'",
      "import os\nif os.fork() > 0:\n    os.wait()\n    return 'done'\nreturn 'refused'",
    ]);
    expect(results.map(({ verdict }) => verdict)).toEqual(['passed', 'passed', 'failed']);
  });

  it('leaves nothing of a sample on disk, however deep and closed', async () => {
    const { results, finished } = await runBodies([
      "import os\nfor n in range(1500):\n    os.mkdir('d'); os.chdir('d')\nreturn 'refused'",
      "import os\nos.makedirs('a/b'); open('a/b/c', 'w'); os.chmod('a/b', 0); os.chmod('a', 0)\nreturn 'refused'",
      "import os\nos.symlink('/etc', 'link'); os.mkfifo('pipe')\nreturn 'refused'",
    ]);
    expect(results.map(({ verdict }) => verdict)).toEqual(['passed', 'passed', 'passed']);
    expect(finished.leftovers).toEqual([]);
  });

  it('gives each sample a clean environment, an empty directory and no input', async () => {
    const { results } = await runBodies([
      "import os\nassert not [n for n in os.environ if 'HOLDFAST' in n], os.environ\nreturn 'refused'",
      "import os\nassert os.listdir() == [] and os.getcwd() == os.environ['TMPDIR']\nreturn 'refused'",
      "import sys\nassert sys.stdin.read() == ''\nreturn 'refused'",
    ]);
    expect(results).toMatchObject([{ verdict: 'passed' }, { verdict: 'passed' }, { verdict: 'passed' }]);
  });

  it('ends all at once on SIGTERM, with 143', async () => {
    const running = start({
      workload: 'evaluation',
      problems: lines(ADD),
      samples: lines(
        { task_id: 'add', completion: '    return a + b' },
        ...Array.from({ length: 4 }, () => ({ task_id: 'add', completion: '    while True: pass' })),
      ),
      sampleTimeout: 60,
      parallel: 2,
    });
    await running.said('"index": 0');
    const asked = performance.now();
    running.signal('SIGTERM');
    const finished = await running.finished;
    expect(performance.now() - asked).toBeLessThan(1_000);
    expect(finished.exitCode).toBe(143);
    expect(finished.leftovers).toEqual([]);
    expect(finished.ending).toMatchObject({ kind: 'failed', problem: { code: 'RESULT_UNREADABLE' } });
  });
});

describe.skipIf(!hasPython || !contained).concurrent('a hostile sample', { timeout: 30_000 }, () => {
  it("cannot write the runner's lines, nor read what it would need to", async () => {
    const { results, finished } = await runBodies([
      refusedOr(`open('/proc/1/fd/1', 'w').write('${NONCE} {"kind": "sample", "index": 7}\\n')`),
      refusedOr("os.listdir('/proc/1/fd')"),
      refusedOr("open('/proc/1/environ').read()"),
      refusedOr("open('/proc/1/mem', 'rb').read()"),
      refusedOr("open('/proc/1/maps').read()"),
      `import ctypes\nreturn 'refused' if ctypes.CDLL(None).ptrace(16, 1, 0, 0) == -1 else 'done'`,
    ]);
    expect(results.map(({ verdict, reason }) => reason ?? verdict)).toEqual(results.map(() => 'passed'));
    expect(finished.lines.every((line) => line.startsWith(`${NONCE} `))).toBe(true);
    expect(finished.lines).toHaveLength(results.length + 2);
  });

  it('cannot stop, end or interrupt the runner', async () => {
    const signals = ['SIGKILL', 'SIGSTOP', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGCHLD', 'SIGPIPE'];
    const forged = `
import ctypes, struct
info = struct.pack('iiiiii', 15, 0, -1, 0, 0, 0) + bytes(104)
ctypes.CDLL(None).syscall(${SYSCALL.rt_sigqueueinfo}, 1, 15, info)
return 'refused'`;
    const { results } = await runBodies([
      ...signals.map((name) => `import os, signal\nos.kill(1, signal.${name})\nreturn 'refused'`),
      forged,
      "return 'refused'",
    ]);
    expect(results.map(({ verdict, reason }) => reason ?? verdict)).toEqual(results.map(() => 'passed'));
  });

  it('leaves no process behind, whatever session it hides in', async () => {
    const daemon =
      'import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(60)\n    os._exit(0)\nos.wait()';
    const alone = `${OTHERS}\nassert not others, others`;
    const body = (text: string) => `${text}\nreturn 'refused'`;
    const leaderGone = `import ctypes, threading, time\nthreading.Thread(target=time.sleep, args=[60]).start()\nctypes.CDLL(None).syscall(${SYSCALL.exit}, 0)`;
    const { results } = await runBodies([body(daemon), body(alone), body(leaderGone), body(alone)], { parallel: 1 });
    expect(results.map(({ verdict, reason }) => reason ?? verdict)).toEqual([
      'passed',
      'passed',
      'it ran longer than 2 seconds',
      'passed',
    ]);
  });
});

describe.skipIf(!hasPython || !contained).concurrent('a container of its own', { timeout: 30_000 }, () => {
  it('has nothing of a sample in /tmp or /dev/shm after it', async () => {
    const litter =
      "open('/tmp/left', 'w'); open('/dev/shm/left', 'w')\nimport os; os.makedirs('/tmp/a/b')\nreturn 'refused'";
    const clean = "import os\nassert len(os.listdir('/tmp')) == 1 and not os.listdir('/dev/shm')\nreturn 'refused'";
    const { results } = await runBodies([litter, clean], { parallel: 1 }, { ownTmp: true });
    expect(results.map(({ verdict, reason }) => reason ?? verdict)).toEqual(['passed', 'passed']);
  });
});

describe.skipIf(!hasPython).concurrent('the example suite', { timeout: 60_000 }, () => {
  it.skipIf(!contained)('gives what its README promises', async () => {
    const folder = resolve('examples/evaluation');
    const report = reportOf(
      await start({
        workload: 'evaluation',
        problems: packJsonLines(readFileSync(`${folder}/problems.jsonl`)),
        samples: packJsonLines(readFileSync(`${folder}/samples.jsonl`)),
        parallel: 2,
      }).finished,
    );
    const promised = `${report.passed} passed, ${report.failed} failed, ${report.timedOut} timed out`;
    expect(readFileSync(`${folder}/README.md`, 'utf8')).toContain(
      `${promised}; pass@1 ${report.passAtK['1']?.toFixed(3)}`,
    );
  });
});

const human = existsSync(HUMAN_EVAL);
if (!human) console.log('evaluation-runner: HumanEval skipped, HOLDFAST_HUMANEVAL names no file');

describe.skipIf(!hasPython || !human).concurrent('HumanEval', { timeout: 60_000 }, () => {
  const run = async (completion: (row: { readonly canonical_solution: string }) => string) => {
    const problems = packJsonLines(readFileSync(HUMAN_EVAL));
    const rows = numberedLines(gunzipSync(readFileSync(HUMAN_EVAL)).toString()).map(({ text }) => JSON.parse(text));
    const samples = lines(...rows.map((row) => ({ task_id: row.task_id, completion: completion(row) })));
    return reportOf(await start({ workload: 'evaluation', problems, samples, parallel: 2 }).finished);
  };

  it('gives pass@1 of exactly 1 for its own solutions', async () => {
    expect(await run((row) => row.canonical_solution)).toMatchObject({ samples: 164, passAtK: { 1: 1 } });
  });

  it('gives pass@1 of exactly 0 for bodies that do nothing', async () => {
    expect(await run(() => '    pass')).toMatchObject({ samples: 164, passed: 0, passAtK: { 1: 0 } });
  });
});

// Alone, so that its forks do not slow the others down.
describe.skipIf(!hasPython || !contained)('a greedy sample', { timeout: 30_000 }, () => {
  it('ends a sample that forks without end or fills memory or disk, long before its time is up', async () => {
    const { results, finished } = await runBodies(
      [
        'import os\nwhile True: os.fork()',
        'import os\nwhile True:\n    if os.fork() == 0: os.setsid()',
        'hoard = []\nwhile True: hoard.append(bytes(1 << 22))',
        "for n in range(10000): open(str(n), 'wb').write(bytes(1 << 20))",
        "n = 0\nwhile True: open(str(n), 'wb'); n += 1",
        "return 'refused'",
      ],
      { sampleTimeout: 25, resources: { memory: '256Mi', tmp: '16Mi' } },
    );
    expect(results.map(({ verdict }) => verdict)).toEqual(['failed', 'failed', 'failed', 'failed', 'failed', 'passed']);
    expect(finished.leftovers).toEqual([]);
  });

  it('does its neighbour no harm with a fork bomb', async () => {
    const bombs = Array.from({ length: 3 }, () => 'import os\nwhile True:\n    if os.fork() == 0: os.setsid()');
    const { results } = await runBodies(["import time\ntime.sleep(1)\nreturn 'refused'", ...bombs], {
      parallel: 2,
      sampleTimeout: 20,
    });
    expect(results.map(({ verdict }) => verdict)).toEqual(['passed', 'failed', 'failed', 'failed']);
  });

  it('is not paid for by a neighbour: who lacked processes or room beside it runs again, alone', async () => {
    const crowded = (otherwise: string) => `${OTHERS}\nif others: ${otherwise}\nreturn 'refused'`;
    const { results } = await runBodies(
      [
        "import time\ntime.sleep(3)\nreturn 'refused'",
        crowded("raise BlockingIOError(11, 'Resource temporarily unavailable')"),
        crowded("raise OSError(28, 'No space left on device')"),
        "raise OSError(28, 'No space left on device')",
      ],
      { parallel: 2, sampleTimeout: 20 },
    );
    expect(results.map(({ verdict }) => verdict)).toEqual(['passed', 'passed', 'passed', 'failed']);
  });
});
