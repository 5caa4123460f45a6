import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** As people read it, in a folder that need not be there yet. */
export function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
