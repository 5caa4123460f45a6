/**
 * How the generated client sends its requests: by undici's `request`. Left to itself it takes undici's `fetch`, which makes
 * web streams and more signals of each, and takes twice the time.
 */
import { type PromiseHttpLibrary, ResponseContext } from '@kubernetes/client-node';
import { request as send } from 'undici';
import { version } from '../version.ts';

const USER_AGENT = `holdfast/${version()}`;

export const httpLibrary: PromiseHttpLibrary = {
  async send(asked) {
    const [body, signal, dispatcher] = [asked.getBody(), asked.getSignal(), asked.getDispatcher()];
    if (body !== undefined && typeof body !== 'string') throw new TypeError('a request of ours is JSON');
    const answer = await send(asked.getUrl(), {
      method: asked.getHttpMethod(),
      headers: { ...asked.getHeaders(), 'user-agent': USER_AGENT },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
      ...(dispatcher && { dispatcher }),
    });
    return new ResponseContext(answer.statusCode, flat(answer.headers), {
      text: () => answer.body.text(),
      binary: async () => Buffer.from(await answer.body.arrayBuffer()),
      stream: () => null,
    });
  },
};

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
