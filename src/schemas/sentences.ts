/** From zod's issues to sentences: what was given, and what is accepted. */
import type { z } from 'zod';

/** One thing that is wrong with an input. */
export interface InputProblem {
  /** Dotted path, e.g. `files[2].path`. Empty for the input as a whole. */
  readonly field: string;
  readonly message: string;
}

const SHOWN = 60;
const KIND: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** A value as a person would recognise it, short. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') {
    return cut(JSON.stringify(value.length > SHOWN ? value.slice(0, SHOWN) : value), value.length > SHOWN);
  }
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function cut(quoted: string, wasCut: boolean): string {
  return wasCut ? `${quoted.slice(0, -1)}…"` : quoted;
}

/** `['files', 2, 'path']` -> `files[2].path`. A name that is no plain word is quoted. */
export function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((field, part) => {
    if (typeof part === 'number') return `${field}[${part}]`;
    const name = String(part);
    if (!/^[\w-]{1,64}$/.test(name)) return `${field}[${show(name)}]`;
    return field === '' ? name : `${field}.${name}`;
  }, '');
}

/** Every problem that zod found; the fields of an object that has unknown ones are named in `accepted`. */
export function problemsOf(error: z.ZodError, accepted: (path: readonly PropertyKey[]) => string): InputProblem[] {
  return error.issues.flatMap((issue): InputProblem[] => {
    if (issue.code === 'unrecognized_keys') {
      const message = `is not known here. Accepted: ${accepted(issue.path)}.`;
      return issue.keys.map((key) => ({ field: fieldOf([...issue.path, key]), message }));
    }
    return [{ field: fieldOf(issue.path), message: sentence(issue) }];
  });
}

function sentence(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type': {
      const kind = KIND[issue.expected] ?? issue.expected;
      return issue.input === undefined
        ? `is missing; it must be ${kind}.`
        : `is ${show(issue.input)}; it must be ${kind}.`;
    }
    case 'invalid_value':
      return `is ${show(issue.input)}; it must be ${issue.values.map(show).join(' or ')}.`;
    case 'invalid_key':
      return issue.issues.map((inner) => inner.message).join(' ');
    default:
      return issue.message;
  }
}
