/** Looks every 50 ms until it holds; the limit turns a hang into a failure that says what was waited for. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, seconds = 90): Promise<void> {
  const limit = Date.now() + seconds * 1_000;
  while (!(await holds())) {
    if (Date.now() > limit) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
