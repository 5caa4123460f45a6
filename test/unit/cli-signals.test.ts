/** What the command line says and does at a signal, as the real binary, before a gateway that answers late or never. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { type Ended, HOLDFAST, startNode } from '../program.ts';
import { type Answer, cancel, refuses, says, ScriptedGateway, task } from './scripted-gateway.ts';

const never: Answer = () => undefined;
const STARTED = says(201, { task_id: 't', run_id: 'r', is_new: true });
const LOOK = 'GET /v1/tasks/t';
const START = 'POST /v1/tasks';
const RESULT = 'GET /v1/tasks/t/result';
const CANCEL = 'POST /v1/tasks/t/cancel';
const RUNNING = { [START]: [STARTED], [LOOK]: [says(200, task)], [RESULT]: [says(200, { outcome: null })] };
const RUN = ['run', 'command', '--id', 't', '--image', 'a'];
/** One Ctrl-C may come twice; after this long the next is another one. */
const NO_ECHO_MS = 600;

/** An answer that is given when the test says so. */
class Held {
  #give: () => void = () => undefined;
  readonly answer: Answer;

  constructor(answer: Answer) {
    this.answer = (reply, asked) => (this.#give = () => answer(reply, asked));
  }

  give(): void {
    this.#give();
  }
}

class Play {
  readonly #gateway: ScriptedGateway;
  readonly #running: ReturnType<typeof startNode>;

  private constructor(gateway: ScriptedGateway, words: readonly string[]) {
    this.#gateway = gateway;
    this.#running = startNode([HOLDFAST, ...words], { HOLDFAST_URL: gateway.url });
  }

  /** Each request's answers in turn, the last one again and again; what is not named is never answered. */
  static async of(words: readonly string[], script: Readonly<Record<string, readonly Answer[]>>): Promise<Play> {
    const gateway = await ScriptedGateway.open();
    const left = new Map(Object.entries(script).map(([request, turns]) => [request, [...turns]]));
    const answer: Answer = (reply, asked) => {
      const turns = left.get(nameOf(asked)) ?? [never];
      (turns.length > 1 ? turns.shift() : turns[0])?.(reply, asked);
    };
    gateway.script = [answer];
    const play = new Play(gateway, words);
    plays.push(play);
    return play;
  }

  async close(): Promise<void> {
    this.#running.child.kill('SIGKILL');
    await this.#gateway.close();
  }

  get ended(): Promise<Ended> {
    return this.#running.ended;
  }

  send(signal: NodeJS.Signals): void {
    this.#running.child.kill(signal);
  }

  stopReading(): void {
    this.#running.child.stdout?.destroy();
    this.#running.child.stderr?.destroy();
  }

  untilAsked(request: string, times = 1): Promise<void> {
    return until(request, () => this.#gateway.asked.filter((asked) => nameOf(asked) === request).length >= times);
  }

  untilSaid(text: string): Promise<void> {
    return until(text, () => this.#running.heard.err.includes(text));
  }
}

const plays: Play[] = [];
afterAll(() => Promise.all(plays.map((play) => play.close())));

function nameOf({ method, url }: { readonly method: string; readonly url: string }): string {
  return `${method} ${url.split('?')[0]}`;
}

describe.concurrent('Ctrl-C in `cancel`', () => {
  it('does not say that the cancel goes on if nothing shows that it was recorded', async () => {
    const play = await Play.of(['cancel', 't'], { [LOOK]: [says(200, task)] });
    await play.untilSaid('running');
    play.send('SIGINT');
    const { exit, err } = await play.ended;
    expect(exit).toBe(130);
    expect(err).toContain('Whether the cancel of t was recorded is not known; `holdfast cancel t` asks again.');
  });

  it('says so if the task shows it', async () => {
    const play = await Play.of(['cancel', 't'], { [LOOK]: [says(200, { ...task, status: 'cancelling' })] });
    await play.untilSaid('cancelling');
    play.send('SIGINT');
    expect(await play.ended).toMatchObject({ exit: 130, err: expect.stringContaining('t is being cancelled.') });
  });
});

describe.concurrent('Ctrl-C in `run`', () => {
  it('leaves if the cancel is refused for good, and says that it was', async () => {
    const play = await Play.of(RUN, { ...RUNNING, [CANCEL]: [refuses(403, 'SCOPE_MISSING')] });
    await play.untilSaid('running');
    play.send('SIGINT');
    await play.untilSaid('The cancel was not confirmed: It is so. Ctrl-C leaves the task to itself.');
    await sleep(NO_ECHO_MS);
    play.send('SIGINT');
    expect(await play.ended).toMatchObject({ exit: 130, err: expect.stringContaining('Left. t was not cancelled') });
  });

  it('asks again if the cancel failed, and only what was recorded is said to go on', async () => {
    const cancels = [refuses(500, 'GATEWAY_FAULT'), cancel('cancelling')];
    const play = await Play.of(RUN, { ...RUNNING, [CANCEL]: cancels });
    await play.untilSaid('running');
    play.send('SIGINT');
    await play.untilSaid('The cancel was not confirmed: It is so. Ctrl-C asks again.');
    play.send('SIGINT');
    await play.untilAsked(CANCEL, 2);
    await sleep(NO_ECHO_MS);
    play.send('SIGINT');
    expect(await play.ended).toMatchObject({ exit: 130, err: expect.stringContaining('Left. t is being cancelled.') });
  });

  it('a second time leaves, though the cancel is not answered, and says what is not known', async () => {
    const play = await Play.of(RUN, RUNNING);
    await play.untilSaid('running');
    play.send('SIGINT');
    await play.untilAsked(CANCEL);
    await sleep(NO_ECHO_MS);
    play.send('SIGINT');
    const { exit, err } = await play.ended;
    expect(exit).toBe(130);
    expect(err).toContain('Left. Whether the cancel of t was recorded is not known');
  });

  it('before the start is answered cancels the task when it is, also with --detach', async () => {
    const start = new Held(STARTED);
    const play = await Play.of([...RUN, '--detach'], { ...RUNNING, [START]: [start.answer] });
    await play.untilAsked(START);
    play.send('SIGINT');
    await sleep(NO_ECHO_MS);
    start.give();
    await play.untilAsked(CANCEL);
  });
});

describe.concurrent('SIGTERM in `run`', () => {
  it('leaves a start that is not answered, and says that it may have landed', async () => {
    const play = await Play.of(RUN, {});
    await play.untilAsked(START);
    play.send('SIGTERM');
    const { exit, out, err } = await play.ended;
    expect([exit, out]).toEqual([143, '']);
    expect(err).toContain('Whether t was started is not known; `holdfast status t` shows it if it was.');
  });

  it('leaves a task that cannot be looked at', async () => {
    const play = await Play.of([...RUN, '--json'], { [START]: [STARTED] });
    await play.untilAsked(LOOK);
    play.send('SIGTERM');
    const { exit, out, err } = await play.ended;
    expect([exit, JSON.parse(out)]).toEqual([143, { taskId: 't', runId: 'r', isNew: true, detached: true }]);
    expect(err).toContain('Left. t goes on;');
  });
});

describe.concurrent('whoever has read enough', () => {
  it('does not end what is followed: the exit code is that of the task', async () => {
    const problem = { code: 'EXIT_CODE', message: 'm', next: 'n', facts: {} };
    const result = new Held(says(200, { outcome: 'failed', diagnosis: problem }));
    const play = await Play.of(RUN, { ...RUNNING, [RESULT]: [result.answer] });
    await play.untilSaid('running');
    play.stopReading();
    result.give();
    expect((await play.ended).exit).toBe(1);
  });

  it('ends a list, and all is well', async () => {
    const page = new Held(says(200, { tasks: [task], next_page_token: null }));
    const play = await Play.of(['list'], { 'GET /v1/tasks': [page.answer] });
    await play.untilAsked('GET /v1/tasks');
    play.stopReading();
    page.give();
    expect((await play.ended).exit).toBe(0);
  });
});
