/** The commit that is measured, and whether the product was changed since. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '..', '..');

export function holdfastVersion(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'src') === '' ? '' : ' with changes that were not committed';
  return `${git('rev-parse', '--short', 'HEAD')}${changed}`;
}
