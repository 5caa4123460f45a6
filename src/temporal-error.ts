/** What an error of Temporal's own client means, by gRPC's numbers: https://grpc.io/docs/guides/status-codes/ */
const GRPC = {
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unavailable: 14,
  unauthenticated: 16,
};
const REFUSED: readonly (number | undefined)[] = [GRPC.permissionDenied, GRPC.unauthenticated];
const AWAY: readonly (number | undefined)[] = [GRPC.deadlineExceeded, GRPC.unavailable, GRPC.resourceExhausted];

/** Whether Temporal was only not to be reached, so that asking again may help. */
export function isAway(error: unknown): boolean {
  return AWAY.includes(grpcStatus(error));
}

/** Whether it does not let us in. */
export function isRefused(error: unknown): boolean {
  return REFUSED.includes(grpcStatus(error));
}

export function isNotFound(error: unknown): boolean {
  return grpcStatus(error) === GRPC.notFound;
}

/** The innermost cause that is gRPC's; the SDK wraps it in a ServiceError. */
export function grpcStatus(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const inner = grpcStatus(error.cause);
  if (inner !== undefined) return inner;
  return 'code' in error && typeof error.code === 'number' && 'details' in error ? error.code : undefined;
}

/** What the server said, without the wrappers around it. */
export function detailsOf(error: Error): string {
  if (error.cause instanceof Error) return detailsOf(error.cause);
  return 'details' in error && typeof error.details === 'string' ? error.details : error.message;
}
