/**
 * Runs parts that are of no use without each other: when one fails, all are stopped. Resolves when each has ended; rejects then,
 * if any failed, with what the first said.
 */
export async function together(parts: readonly (() => Promise<unknown>)[], stop: () => void): Promise<void> {
  const failures: unknown[] = [];
  const failed = (error: unknown) => {
    failures.push(error);
    stop();
  };
  await Promise.all(parts.map((run) => run().catch(failed)));
  if (failures.length > 0) throw failures[0];
}
