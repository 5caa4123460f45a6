/** What an error of Temporal's client means for whoever asked: that it is away, refuses us, or has no such namespace. */
import type { Problem } from './contract.ts';
import { problem } from './errors.ts';

/** gRPC's own numbers: https://grpc.io/docs/guides/status-codes/ */
const GRPC = {
  cancelled: 1,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unavailable: 14,
  unauthenticated: 16,
};
const REFUSED: readonly number[] = [GRPC.permissionDenied, GRPC.unauthenticated];
/** A worker's connection says "cancelled" of a deadline of ours that has passed. */
const AWAY: readonly number[] = [GRPC.cancelled, GRPC.deadlineExceeded, GRPC.unavailable, GRPC.resourceExhausted];

/** Undefined for errors that are not of this kind: those say something of one task, or are faults. */
export function temporalProblem(error: unknown): Problem | undefined {
  const namespace = missingNamespace(error);
  if (namespace !== undefined) return unknownNamespace(namespace);
  if (isTemporalAway(error)) return problem('TEMPORAL_UNREACHABLE', `Temporal does not answer: ${reasonOf(error)}`);
  if (!isTemporalRefusing(error)) return undefined;
  return problem(
    'TEMPORAL_UNREACHABLE',
    `Temporal refuses us: ${reasonOf(error)}`,
    undefined,
    'Check TEMPORAL_API_KEY or the certificates of your profile, and what they allow.',
  );
}

export function unknownNamespace(namespace: string): Problem {
  return problem(
    'CONFIG_INVALID',
    `Temporal has no namespace ${JSON.stringify(namespace)}.`,
    undefined,
    'Set TEMPORAL_NAMESPACE to one that exists; `temporal operator namespace list` shows them.',
  );
}

/** Whether Temporal was only not to be reached, so that asking again may help. */
export function isTemporalAway(error: unknown): boolean {
  const status = grpcStatus(error);
  return status !== undefined && AWAY.includes(status);
}

/** Whether it does not let us in. */
export function isTemporalRefusing(error: unknown): boolean {
  const status = grpcStatus(error);
  return status !== undefined && REFUSED.includes(status);
}

export function isNotFound(error: unknown): boolean {
  return grpcStatus(error) === GRPC.notFound;
}

/** The innermost cause's own words, as a sentence. */
export function reasonOf(error: unknown): string {
  const text = detailsOf(error).replace(/\.?$/, '.');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The innermost cause that is gRPC's; the SDK wraps it in a ServiceError. */
function grpcStatus(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const inner = grpcStatus(error.cause);
  if (inner !== undefined) return inner;
  return 'code' in error && typeof error.code === 'number' && 'details' in error ? error.code : undefined;
}

function detailsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return detailsOf(error.cause);
  return ('details' in error && typeof error.details === 'string' && error.details) || error.message;
}

function missingNamespace(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'NamespaceNotFoundError' && 'namespace' in error) return String(error.namespace);
  return missingNamespace(error.cause);
}
