import { type KubeConfig, Watch } from '@kubernetes/client-node';

/** A watch that ends only when nothing has come for `quietMs`, in milliseconds; the client's default is 30 s. */
export function patientWatch(kube: KubeConfig, quietMs = 600_000): Watch {
  const watch = new Watch(kube);
  // Private in its type; there is no other way to set it.
  Object.assign(watch, { requestTimeoutMs: quietMs });
  return watch;
}
