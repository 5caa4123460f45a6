import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode, EXIT, HoldfastError, isErrorCode, problem } from '../../src/errors.ts';

const entries = Object.entries(ERRORS);
const RUNBOOK = new URL('../../docs/runbook.md', import.meta.url);

describe('every error code', () => {
  it.each(entries)('%s says who tries again, its HTTP status, its exit code, and what to do', (code, entry) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(['terminal', 'retryable', 'lost']).toContain(entry.kind);
    expect(entry.http).toBeGreaterThanOrEqual(400);
    expect(entry.http).toBeLessThan(600);
    expect(Object.values(EXIT)).toContain(entry.exit);
    expect(entry.exit).not.toBe(EXIT.succeeded);
    expect(entry.next).toMatch(/^[A-Z].*\.$/);
  });

  it.skipIf(!existsSync(RUNBOOK))('stands in docs/runbook.md, and no other does (skipped: no docs/runbook.md)', () => {
    const runbook = readFileSync(RUNBOOK, 'utf8');
    // A heading or a table's first cell that is a code: where a reader looks it up.
    const named = [...runbook.matchAll(/^(?:#+ +|\| *)`?([A-Z]+(?:_[A-Z]+)*)`?(?= *(?:\||$|[:,. (]))/gm)];
    const isVariable = (name: string) => /^(HOLDFAST|TEMPORAL)_/.test(name);
    const codes = named.flatMap(([, code = '']) =>
      isErrorCode(code) || (code.includes('_') && !isVariable(code)) ? [code] : [],
    );
    expect([...new Set(codes)].toSorted()).toEqual(Object.keys(ERRORS).toSorted());
  });
});

describe('an error', () => {
  it('carries its code, facts and advice', () => {
    const error = new HoldfastError('TASK_UNKNOWN', 'There is no task x.', { taskId: 'x' });
    expect(error).toMatchObject({ name: 'HoldfastError', code: 'TASK_UNKNOWN', facts: { taskId: 'x' } });
    expect(error.next).toBe(ERRORS.TASK_UNKNOWN.next);
  });

  it('is a problem with the advice of the registry, unless there is better', () => {
    expect(problem('EXIT_CODE', 'm', { exitCode: 3 })).toEqual({
      code: 'EXIT_CODE',
      message: 'm',
      next: ERRORS.EXIT_CODE.next,
      facts: { exitCode: 3 },
    });
    expect(problem('EXIT_CODE', 'm', undefined, 'Look.')).toEqual({ code: 'EXIT_CODE', message: 'm', next: 'Look.' });
  });

  it('has a code of the registry or none: nothing that an object merely inherits', () => {
    const codes: readonly ErrorCode[] = ['EXIT_CODE', 'JOB_CONFLICT'];
    expect(codes.every(isErrorCode)).toBe(true);
    for (const other of ['toString', 'constructor', '__proto__', '', 'exit_code', 7, undefined, null])
      expect(isErrorCode(other)).toBe(false);
  });
});
