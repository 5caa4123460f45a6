/** Pure: a stored plan to a ConfigMap and a Job. What the Pod may do is decided here, and it is little. */
import type {
  V1ConfigMap,
  V1Container,
  V1Job,
  V1ObjectMeta,
  V1PodSpec,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node';
import { LIMITS, type AnchorRef, type RunRef, type WorkloadName } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { ANNOTATION, digest, fencedMetadata, LABEL, ownedBy, QUEUE_LABEL } from '../fence.ts';
import type { SettledSettings } from '../settings.ts';
import type { PodPlan } from '../workloads/workload.ts';

/** The plan as it lies in the anchor: everything that the Job is made of, so that nobody sends the task again. */
export interface StoredPlan extends Omit<PodPlan, 'files'> {
  readonly workload: WorkloadName;
  readonly settings: SettledSettings;
  readonly files: readonly { readonly path: string; readonly key: string; readonly mode?: number }[];
  readonly nonce: string;
}

export const CONTAINER = 'task';
const PLAN_KEY = 'plan.json';
/**
 * The key that every Pod must find in the anchor, and that the anchor is created without: `start` writes it, naming
 * the uid that history knows. So an anchor whose own create landed late has the name, but no Pod can mount it.
 */
const RUN_KEY = 'run';
const MOUNT = '/holdfast';
/** Kubernetes ends the Job this long after the task's own timeout, in case no worker lives. Seconds. */
const DEADLINE_MARGIN = 60;
/** A finished Job that nobody released is removed after this. Seconds; a week. */
const TTL = 7 * 24 * 3_600;
/** With 0 a delete removes the Pod's object at once, while its container runs: there would be no proof. Seconds. */
const SHORTEST_GRACE = 1;
const NOBODY = 65_532;

export function anchorManifest(
  temporalNamespaceId: string,
  run: RunRef,
  workload: WorkloadName,
  settings: SettledSettings,
  plan: PodPlan,
  nonce: string,
  waits: Pick<AnchorRef, 'limiter' | 'queue'> = {},
): { manifest: V1ConfigMap; specHash: string } {
  const files = plan.files.map((file, index) => ({ ...file, key: `file-${index}` }));
  const stored: StoredPlan = {
    ...plan,
    workload,
    settings,
    nonce,
    files: files.map(({ path, key, mode }) => ({ path, key, ...(mode !== undefined && { mode }) })),
  };
  const binaryData = Object.fromEntries(files.map(({ key, bytes }) => [key, Buffer.from(bytes).toString('base64')]));
  const specHash = digest({ stored, binaryData });
  const metadata = waitingFor(waits, fencedMetadata(temporalNamespaceId, run, workload, specHash));
  const data = { [PLAN_KEY]: JSON.stringify(stored) };
  checkSize(Buffer.byteLength(data[PLAN_KEY]), files);
  return { manifest: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data, binaryData }, specHash };
}

function checkSize(planBytes: number, files: readonly { path: string; bytes: Uint8Array }[]): void {
  const total = files.reduce((sum, file) => sum + file.bytes.byteLength, planBytes);
  if (total <= LIMITS.inputBytes) return;
  throw new HoldfastError(
    'INPUT_TOO_LARGE',
    `The input is ${total} bytes as it is stored; a task may have ${LIMITS.inputBytes}.`,
    { limit: LIMITS.inputBytes, actual: total },
  );
}

/** What `start` writes into the anchor that it was given, and into no other of that name. */
export function arming(anchor: AnchorRef): { metadata: { uid: string }; data: Record<string, string> } {
  return { metadata: { uid: anchor.uid }, data: { [RUN_KEY]: `${anchor.name}\n` } };
}

/** A patch that only what was read accepts. */
export interface Starting {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly suspend: false };
}

/** What `start` writes into the Job that it has read: it lets it make Pods, or lets Kueue do so. */
export function starting(read: { uid: string; resourceVersion: string }, queue: string | undefined): Starting {
  const { uid, resourceVersion } = read;
  if (queue === undefined) return { metadata: { uid, resourceVersion }, spec: { suspend: false } };
  return { metadata: { uid, resourceVersion, labels: { [QUEUE_LABEL]: queue } } };
}

export function storedPlan(anchor: V1ConfigMap): StoredPlan {
  const text = anchor.data?.[PLAN_KEY];
  if (text === undefined) throw new TypeError(`ConfigMap ${anchor.metadata?.name} holds no plan`);
  return JSON.parse(text) as StoredPlan;
}

/** The Job of a run: suspended, owned by its anchor, its Pods mounting the anchor. */
export function jobManifest(temporalNamespaceId: string, anchor: AnchorRef, plan: StoredPlan): V1Job {
  const spec = podSpec(anchor, plan);
  const fenced = fencedMetadata(temporalNamespaceId, anchor.run, plan.workload, digest(spec));
  const metadata = waitingFor(anchor, fenced);
  const labels = { ...metadata.labels, [LABEL.network]: plan.settings.network };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata, labels, ownerReferences: [ownedBy(anchor)] },
    spec: {
      suspend: true,
      parallelism: 1,
      completions: 1,
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      // So the Job itself says that its Pod was taken away, also when the Pod is gone before anybody looked.
      podFailurePolicy: { rules: [{ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget' }] }] },
      activeDeadlineSeconds: plan.settings.timeoutSeconds + DEADLINE_MARGIN,
      ttlSecondsAfterFinished: TTL,
      template: { metadata: { labels, annotations: metadata.annotations ?? {} }, spec },
    },
  };
}

/** Whoever removes the run knows by this whom to tell; whoever goes on with it, who starts it. */
function waitingFor<M extends V1ObjectMeta>({ limiter, queue }: Pick<AnchorRef, 'limiter' | 'queue'>, metadata: M): M {
  if (limiter === undefined && queue === undefined) return metadata;
  const waits = {
    ...(limiter !== undefined && { [ANNOTATION.limiter]: limiter }),
    ...(queue !== undefined && { [ANNOTATION.queue]: queue }),
  };
  return { ...metadata, annotations: { ...metadata.annotations, ...waits } };
}

/** A sandbox by default: no identity, no privileges, nothing to write to but a small /tmp. */
function podSpec(anchor: AnchorRef, plan: StoredPlan): V1PodSpec {
  const { settings } = plan;
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: Math.max(SHORTEST_GRACE, settings.gracePeriodSeconds),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: NOBODY,
      runAsGroup: NOBODY,
      fsGroup: NOBODY,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(settings.runtimeClass !== undefined && { runtimeClassName: settings.runtimeClass }),
    ...(Object.keys(settings.nodeSelector).length > 0 && { nodeSelector: { ...settings.nodeSelector } }),
    containers: [container(plan)],
    volumes: [anchorVolume(anchor, plan), { name: 'tmp', emptyDir: { sizeLimit: settings.resources.tmp } }],
  };
}

function container(plan: StoredPlan): V1Container {
  const { cpu, memory, devices } = plan.settings.resources;
  const amounts = {
    cpu,
    memory,
    ...Object.fromEntries(Object.entries(devices).map(([name, count]) => [name, String(count)])),
  };
  return {
    name: CONTAINER,
    image: plan.image,
    ...(plan.command && { command: plan.command.map(literal) }),
    ...(plan.args && { args: plan.args.map(literal) }),
    env: Object.entries(plan.env).map(([name, value]) => ({ name, value: literal(value) })),
    resources: { requests: amounts, limits: amounts },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    // A container that failed says why in its status, so that the reason outlives its log.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [...anchorMounts(plan), { name: 'tmp', mountPath: '/tmp' }],
  };
}

/** Kubernetes would expand `$(NAME)` and halve `$$`; what a person wrote is what the container gets. */
function literal(text: string): string {
  return text.split('$').join('$$');
}

/** The third fence: not optional, so a Pod that comes after its anchor never gets a container. */
function anchorVolume(anchor: AnchorRef, plan: StoredPlan): V1Volume {
  const items = plan.files.map(({ path, key, mode }) => ({ key, path: placeOf(path, key), mode: mode ?? 0o444 }));
  return {
    name: 'anchor',
    configMap: { name: anchor.name, optional: false, items: [{ key: RUN_KEY, path: RUN_KEY }, ...items] },
  };
}

function anchorMounts(plan: StoredPlan): V1VolumeMount[] {
  const elsewhere = plan.files.filter(({ path }) => !path.startsWith(`${MOUNT}/`));
  return [
    { name: 'anchor', mountPath: MOUNT, readOnly: true },
    ...elsewhere.map(({ path, key }) => ({
      name: 'anchor',
      mountPath: path,
      subPath: placeOf(path, key),
      readOnly: true,
    })),
  ];
}

function placeOf(path: string, key: string): string {
  return path.startsWith(`${MOUNT}/`) ? path.slice(MOUNT.length + 1) : `files/${key}`;
}
