import { appendFileSync } from 'node:fs';

/** A long piece of work that the reader watches: what it does, how long so far, and why. */
export interface Step {
  note(text: string): void;
  done(text?: string): void;
  failed(text?: string): void;
}

export interface Reporter {
  say(text: string): void;
  step(title: string, why?: string): Step;
}

const tickOnTerminalMs = 200;
const tickOnPipeMs = 5_000;

/** Progress for people on stderr, so that stdout stays free for results. */
export function terminalReporter(stream: NodeJS.WriteStream = process.stderr): Reporter {
  const live = stream.isTTY ? new LiveLines(stream) : undefined;
  const write = (line: string) => (live ? live.print(line) : stream.write(`${line}\n`));
  return {
    say: write,
    step(title, why) {
      const started = Date.now();
      let note = '';
      const text = () => [title, note, seconds(started)].filter(Boolean).join(', ');
      if (why !== undefined || !live) write(why === undefined ? `${title} ...` : `${title} (${why}) ...`);
      const line = live?.add(text);
      const ticker = live ? undefined : setInterval(() => write(`  ${text()}`), tickOnPipeMs);
      ticker?.unref();
      const end = (mark: string, extra: string) => {
        clearInterval(ticker);
        if (line) live?.remove(line);
        write(`${mark} ${title}${extra} (${seconds(started)})`);
      };
      return {
        note: (value) => void (note = value),
        done: (extra = '') => end('✓', extra && `: ${extra}`),
        failed: (extra = '') => end('✗', extra && `: ${extra}`),
      };
    },
  };
}

/** The same lines, kept in a file: what `up` shows while a supervisor works in the background. */
export function fileReporter(path: string): Reporter {
  const write = (line: string) => appendFileSync(path, `${line}\n`);
  return {
    say: write,
    step(title) {
      const started = Date.now();
      return {
        note: () => undefined,
        done: (extra = '') => write(`✓ ${title}${extra && `: ${extra}`} (${seconds(started)})`),
        failed: (extra = '') => write(`✗ ${title}${extra && `: ${extra}`} (${seconds(started)})`),
      };
    },
  };
}

export function seconds(since: number, until: number = Date.now()): string {
  const value = (until - since) / 1000;
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}

/** The running steps stay at the bottom of the terminal; what is finished scrolls away above them. */
class LiveLines {
  private readonly lines = new Set<() => string>();
  private drawn = 0;
  private ticker: NodeJS.Timeout | undefined;
  private readonly stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
  }

  add(line: () => string): () => string {
    this.lines.add(line);
    this.ticker ??= setInterval(() => this.draw(), tickOnTerminalMs).unref();
    this.draw();
    return line;
  }

  remove(line: () => string): void {
    this.lines.delete(line);
    if (this.lines.size > 0) return;
    clearInterval(this.ticker);
    this.ticker = undefined;
  }

  print(text: string): void {
    this.erase();
    this.stream.write(`${text}\n`);
    this.draw();
  }

  private draw(): void {
    this.erase();
    for (const line of this.lines) this.stream.write(`… ${line()}`.slice(0, this.stream.columns - 1) + '\n');
    this.drawn = this.lines.size;
  }

  private erase(): void {
    if (this.drawn > 0) this.stream.write(`\x1b[${this.drawn}A\x1b[J`);
    this.drawn = 0;
  }
}
