/** A line between a worker and a server that can be cut for a while, or go dead: bytes pass, or nothing does. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class Line {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #silent = new WeakSet<Socket>();
  #isCut = false;

  private constructor(to: { host: string; port: number }) {
    this.#server = createServer((socket) => {
      if (this.#isCut) return socket.destroy();
      this.#join(socket, connect(to));
    });
  }

  /** `to` is `host:port`. */
  static async listen(to: string): Promise<Line> {
    const { hostname, port } = new URL(`tcp://${to}`);
    const line = new Line({ host: hostname, port: Number(port) });
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends every connection, and refuses new ones; what was already on its way to the server arrives there. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** What is open dies without a word: nothing passes on it any more, and no end hears of the other's. New ones pass. */
  silence(): void {
    for (const socket of this.#sockets) {
      this.#silent.add(socket);
      socket.unpipe();
    }
  }

  restore(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, upstream: Socket): void {
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        if (!this.#silent.has(from)) to.destroy();
      });
      from.pipe(to);
    }
  }
}
