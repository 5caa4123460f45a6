/** pass@k as HumanEval defines it: Chen et al. 2021, "Evaluating Large Language Models Trained on Code", section 2.1. */

/** The values of k that are reported, where every problem has that many samples. */
export const REPORTED_K = [1, 10, 100] as const;

export interface ProblemCounts {
  /** Samples of the problem, at least 1. */
  readonly samples: number;
  /** Those that passed, 0 to `samples`. */
  readonly passed: number;
}

/**
 * The chance that at least one of k samples drawn without replacement passes: 1 - C(n-c, k) / C(n, k), an unbiased
 * estimate where 1 - (1 - c/n)^k is not. As a product, because the binomials overflow.
 * @throws RangeError unless 0 <= c <= n and 1 <= k <= n, all of them whole numbers.
 */
export function passAtK(n: number, c: number, k: number): number {
  const whole = [n, c, k].every(Number.isInteger);
  if (!whole || c < 0 || c > n || k < 1 || k > n) throw new RangeError(`pass@${k} of ${c} in ${n} is not defined`);
  if (n - c < k) return 1;
  // C(n-c, k) / C(n, k) is a product of k factors (n-c-i)/(n-i), and also one of c factors: the shorter is the exacter.
  const [factors, taken] = c < k ? [c, k] : [k, c];
  let noneOfThem = 1;
  for (let i = 0; i < factors; i += 1) noneOfThem *= (n - taken - i) / (n - i);
  return 1 - noneOfThem;
}

/** The mean over the problems, for each k of REPORTED_K that every problem has samples for. */
export function meanPassAtK(problems: readonly ProblemCounts[]): Record<string, number> {
  const fewest = Math.min(...problems.map(({ samples }) => samples));
  const reported = problems.length === 0 ? [] : REPORTED_K.filter((k) => k <= fewest);
  return Object.fromEntries(
    reported.map((k) => {
      const sum = problems.reduce((total, { samples, passed }) => total + passAtK(samples, passed, k), 0);
      return [String(k), sum / problems.length];
    }),
  );
}
