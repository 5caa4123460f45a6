/**
 * Kubernetes' notation for amounts: `500m`, `2`, `512Mi`, `1e3`.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
const QUANTITY = /^\+?(\d{1,18}(?:\.\d{0,9})?|\.\d{1,9})(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d{1,2})?$/;

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The amount in units (cores, bytes), or undefined if the text is not one. Negative amounts are not amounts here. */
export function parseQuantity(text: string): number | undefined {
  const match = QUANTITY.exec(text);
  if (!match) return undefined;
  const [, digits, suffix = ''] = match;
  const factor = suffix === '' ? 1 : (FACTORS[suffix] ?? 10 ** Number(suffix.slice(1)));
  // A division keeps 100m exactly 0.1, where a multiplication by 1e-3 need not.
  return factor < 1 ? Number(digits) / Math.round(1 / factor) : Number(digits) * factor;
}
