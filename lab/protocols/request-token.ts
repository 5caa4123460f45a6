/**
 * Option 3: the worker stores a token in Redis, with a TTL, and calls the dispatcher; cancel invalidates it.
 *
 * As written ("dispatcher validates the token before creating") it is option 1 with another store. At its best, and so
 * here, the dispatcher takes the token in one atomic step (Lua) and reports its create in the same key.
 *
 * Assumes that the dispatcher always comes back to report, that the token outlives any delay (TTL one hour), and that
 * a create never lands after its caller has given up. Price: a Redis on the path of every create and cancel; a cancel
 * waits for the dispatcher. Broken by a create that lands after its caller has given up or died.
 */
import { marksInRedis } from './marks.ts';
import { naive } from './naive.ts';
import { killRoute, work } from './platform.ts';
import type { Baseline, Parts } from './protocol.ts';
import { cancelTaken, issue, takeAndCreate } from './taken.ts';

/** Milliseconds. */
const TTL = 3_600_000;
const tokens = ({ redis }: Parts) => marksInRedis(redis, TTL);

export const requestToken: Baseline = {
  ...naive,
  name: 'request-token',
  title: 'Option 3: request token',
  assumes: 'the dispatcher always comes back to report; no create lands after its caller has given up',
  price: 'Redis; a cancel waits for the dispatcher',
  needsRedis: true,
  work: async (parts, id) => {
    await issue(tokens(parts), id);
    await work(parts, id);
  },
  dispatch: (parts) => ({
    ...killRoute(parts),
    '/execute': (id) => takeAndCreate(parts, tokens(parts), id),
  }),
  cancel: (parts, id) => cancelTaken(parts, tokens(parts), id),
};
