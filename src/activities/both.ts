/** Waits for both, also if one fails: what makes something must not outlive the attempt that Temporal is told has failed. */
export async function both<A, B>(one: A, other: B): Promise<[Awaited<A>, Awaited<B>]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}
