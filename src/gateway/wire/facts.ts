/** Facts by name, on the wire: text and numbers. Whatever else there is, the sentence beside them tells. */
import { z } from 'zod';

export const facts = z.record(z.string(), z.union([z.string(), z.number()]));

export function plainFacts(all: Readonly<Record<string, unknown>>): z.infer<typeof facts> {
  const plain = Object.entries(all).filter(([, fact]) => typeof fact === 'string' || typeof fact === 'number');
  return Object.fromEntries(plain) as z.infer<typeof facts>;
}
