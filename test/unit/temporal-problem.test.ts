import { describe, expect, it } from 'vitest';
import { isTemporalAway, temporalProblem } from '../../src/temporal-problem.ts';

const grpc = (code: number, details = 'what it says') =>
  new Error('outer', { cause: Object.assign(new Error(`${code} its message`), { code, details }) });

describe('an error of Temporal’s client', () => {
  it.each([1, 4, 8, 14])('with gRPC status %i means that Temporal is away', (status) => {
    expect(temporalProblem(grpc(status))).toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: 'Temporal does not answer: What it says.',
    });
    expect(isTemporalAway(grpc(status))).toBe(true);
  });

  it.each([7, 16])('with gRPC status %i means that Temporal refuses us', (status) => {
    expect(temporalProblem(grpc(status))).toMatchObject({ message: 'Temporal refuses us: What it says.' });
    expect(isTemporalAway(grpc(status))).toBe(false);
  });

  it.each([5, 13])('with gRPC status %i says something of one task, or is a fault', (status) => {
    expect(temporalProblem(grpc(status))).toBeUndefined();
  });

  it('without details is told by its message', () => {
    expect(temporalProblem(grpc(1, ''))?.message).toBe('Temporal does not answer: 1 its message.');
  });
});
