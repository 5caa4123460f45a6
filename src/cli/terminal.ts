/** Where text goes: results to stdout, everything about the way there to stderr. */

export interface Sink {
  readonly isTerminal: boolean;
  /** Characters in a line. */
  readonly width: () => number;
  line(text: string): void;
  raw(text: string): void;
}

export const stdout: Sink = sinkOf(process.stdout);
export const stderr: Sink = sinkOf(process.stderr);

function sinkOf(stream: NodeJS.WriteStream): Sink {
  return {
    isTerminal: stream.isTTY,
    width: () => stream.columns ?? 80,
    line: (text) => void stream.write(`${text}\n`),
    raw: (text) => void stream.write(text),
  };
}

const COLOUR = '\\u001b\\[[0-9;]*m';
const SEQUENCE = '\\u001b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\\u0007\\u001b]*(?:\\u0007|\\u001b\\\\)?|.?)';
const CONTROL = '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]';
const UNSAFE = new RegExp(`(${COLOUR})|${SEQUENCE}|${CONTROL}`, 'g');

/** What a container wrote, without what would move the cursor or speak to the terminal; colours stay. */
export function harmless(text: string): string {
  return text.replace(UNSAFE, (_, colour: string | undefined) => colour ?? '');
}

/** One line without control characters at all: for text that we put into sentences of our own. */
export function plain(text: string): string {
  return harmless(text).replace(new RegExp(COLOUR, 'g'), '').replace(/\s+/g, ' ').trim();
}

/** At most `width` characters; what is cut is marked. */
export function fitted(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

const FRAMES = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];
const FRAME_MS = 100;

/** The one line at the bottom of a terminal that changes in place. */
export class LiveLine {
  readonly #sink: Sink;
  readonly #ticker: NodeJS.Timeout;
  #text = '';
  #frame = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
    this.#ticker = setInterval(() => this.#draw(), FRAME_MS);
    this.#ticker.unref();
  }

  show(text: string): void {
    this.#text = text;
    this.#draw();
  }

  /** A line that stays, above the live one. */
  print(text: string): void {
    this.#sink.raw(`\r\u001b[2K${text}\n`);
    this.#draw();
  }

  end(): void {
    clearInterval(this.#ticker);
    this.#sink.raw('\r\u001b[2K');
  }

  #draw(): void {
    if (this.#text === '') return;
    this.#frame = (this.#frame + 1) % FRAMES.length;
    this.#sink.raw(`\r\u001b[2K${fitted(`${FRAMES[this.#frame]} ${this.#text}`, this.#sink.width() - 1)}`);
  }
}
