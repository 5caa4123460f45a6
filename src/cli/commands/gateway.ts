/** `holdfast gateway`: the HTTP API, until SIGTERM or Ctrl-C. */
import { EXIT } from '../../errors.ts';
import { serveGateway } from '../../gateway/serve.ts';

export async function gateway(): Promise<number> {
  await serveGateway();
  return EXIT.succeeded;
}
