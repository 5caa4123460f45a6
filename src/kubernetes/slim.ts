/**
 * Pure: what the shared watch keeps of a Job and of a Pod: what a diagnosis, and the fence, read of them, and nothing else.
 * A worker keeps these of every task of its namespace, and both objects are mostly spec, which says nothing that happens.
 * Whoever reads more of what the watch shows adds it here; tests of diagnoses compare with the whole objects.
 */
import type {
  V1Container,
  V1ContainerStatus,
  V1Job,
  V1ObjectMeta,
  V1Pod,
  V1PodSpec,
  V1PodStatus,
} from '@kubernetes/client-node';

const NO_TEMPLATE = Object.freeze({});
/** The conditions of a Pod that mean something to us. */
const CONDITIONS = new Set(['PodScheduled', 'DisruptionTarget']);

export function slimJob({ metadata, spec, status }: V1Job): V1Job {
  return {
    ...(metadata && { metadata: slimMetadata(metadata) }),
    ...(spec && { spec: { ...(spec.suspend !== undefined && { suspend: spec.suspend }), template: NO_TEMPLATE } }),
    ...(status && { status }),
  };
}

export function slimPod({ metadata, spec, status }: V1Pod): V1Pod {
  return {
    ...(metadata && { metadata: slimMetadata(metadata) }),
    ...(spec && { spec: slimSpec(spec) }),
    ...(status && { status: slimStatus(status) }),
  };
}

/** All but who wrote which field, which is half of an object, and what the API server derives for its own use. */
function slimMetadata(metadata: V1ObjectMeta): V1ObjectMeta {
  const { managedFields: _fields, generateName: _base, ...kept } = metadata;
  return kept;
}

function slimSpec({ nodeName, containers }: V1PodSpec): V1PodSpec {
  return { ...(nodeName !== undefined && { nodeName }), containers: containers.map(slimContainer) };
}

function slimContainer({ name, resources }: V1Container): V1Container {
  return { name, ...(resources && { resources }) };
}

function slimStatus({ phase, reason, message, ...lists }: V1PodStatus): V1PodStatus {
  const { conditions, containerStatuses, initContainerStatuses } = lists;
  return {
    ...(phase !== undefined && { phase }),
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
    ...(conditions && { conditions: conditions.filter(({ type }) => CONDITIONS.has(type)) }),
    ...(initContainerStatuses && { initContainerStatuses: initContainerStatuses.map(slimContainerStatus) }),
    ...(containerStatuses && { containerStatuses: containerStatuses.map(slimContainerStatus) }),
  };
}

function slimContainerStatus({ name, image, ready, restartCount, state }: V1ContainerStatus): V1ContainerStatus {
  return { name, image, imageID: '', ready, restartCount, ...(state && { state }) };
}
