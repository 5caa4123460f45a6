/** What passes the proxy between one worker and the API server, in numbers. */
import type { FaultProxy } from '../proxy/fault-proxy.ts';

export interface Passed {
  readonly method: string;
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  endedAt?: number;
}

export class Traffic {
  /** So far, without those for logs; a watch counts once, when it is opened. */
  requests = 0;
  openWatches = 0;
  openLogs = 0;
  /** Each, while they are wanted. */
  kept: Passed[] | undefined;

  constructor(proxy: FaultProxy) {
    proxy.setMeter((method, url) => {
      const { pathname, searchParams } = new URL(url, 'http://api');
      const isWatch = searchParams.has('watch');
      const isLog = pathname.endsWith('/log');
      const passed: Passed = { method, url, at: Date.now() };
      if (isLog) this.openLogs += 1;
      else this.requests += 1;
      if (isWatch) this.openWatches += 1;
      this.kept?.push(passed);
      return () => {
        passed.endedAt = Date.now();
        if (isWatch) this.openWatches -= 1;
        if (isLog) this.openLogs -= 1;
      };
    });
  }
}
