/** The fields that tasks are made of, each with the sentence that says what it accepts. */
import { z } from 'zod';
import { LIMITS } from '../contract.ts';
import { parseQuantity } from '../kubernetes/quantity.ts';
import { LIMITER_PREFIX } from '../limits/contract.ts';
import { DURATION_ACCEPTED, tryDuration } from '../settings.ts';
import { show } from './sentences.ts';

const MAX_ENTRIES = 64;
const RESERVED_DIRECTORIES = ['/holdfast', '/tmp', '/proc', '/sys', '/dev'] as const;

/** Text that holds to a rule; `refusal` says what is accepted, or undefined when the text is fine. */
function ruledText(refusal: (text: string) => string | undefined) {
  return z.string().check((ctx) => {
    const accepted = refusal(ctx.value);
    if (accepted !== undefined) {
      ctx.issues.push({ code: 'custom', input: ctx.value, message: `is ${show(ctx.value)}; ${accepted}` });
    }
  });
}

function wholeNumber(min: number, max: number) {
  return z.number().check((ctx) => {
    if (Number.isInteger(ctx.value) && ctx.value >= min && ctx.value <= max) return;
    const message = `is ${ctx.value}; it must be a whole number from ${min} to ${max}.`;
    ctx.issues.push({ code: 'custom', input: ctx.value, message });
  });
}

/** An object of named values, with a rule for the names and a bound on how many. */
function named<Value extends z.ZodType>(nameRule: (name: string) => string | undefined, value: Value) {
  const name = z.string().check((ctx) => {
    const accepted = nameRule(ctx.value);
    if (accepted === undefined) return;
    const message = `the name ${show(ctx.value)} is not accepted; ${accepted}`;
    ctx.issues.push({ code: 'custom', input: ctx.value, message });
  });
  return z.record(name, value).check((ctx) => {
    const { length } = Object.keys(ctx.value);
    if (length <= MAX_ENTRIES) return;
    const message = `has ${length} entries; at most ${MAX_ENTRIES} are accepted.`;
    ctx.issues.push({ code: 'custom', input: length, message });
  });
}

/** A span of time between two others, both ends accepted. */
export function duration(min: string, max: string) {
  const [least, most] = [tryDuration(min) ?? 0, tryDuration(max) ?? 0];
  return ruledText((text) => {
    const seconds = tryDuration(text);
    if (seconds === undefined) return `it must be a duration from ${min} to ${max}. ${DURATION_ACCEPTED}`;
    return seconds < least || seconds > most ? `it must be from ${min} to ${max}.` : undefined;
  });
}

/** An amount in Kubernetes' notation that is a whole number of `step`s, both ends accepted. */
export function quantity(min: string, max: string, step: number, example: string) {
  const [least, most] = [parseQuantity(min) ?? 0, parseQuantity(max) ?? 0];
  return ruledText((text) => {
    const amount = parseQuantity(text);
    if (amount === undefined) return `it must be an amount in Kubernetes' notation such as ${example}.`;
    if (amount < least || amount > most) return `it must be from ${min} to ${max}.`;
    const steps = amount / step;
    return Math.abs(steps - Math.round(steps)) > 1e-6 ? `it is finer than Kubernetes can divide.` : undefined;
  });
}

// https://pkg.go.dev/github.com/distribution/reference, the grammar that containerd and Docker share.
const HOST = String.raw`(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?`;
const PATH = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const IMAGE = new RegExp(
  String.raw`^((?:${HOST}/)?${PATH}(?:/${PATH})*)(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);

export const image = ruledText((text) => {
  const accepted =
    'it must be an image reference such as busybox:1.36 or registry.example/team/app@sha256:…, lower case, without spaces.';
  if (text.length > 512) return `it has ${text.length} characters; at most 512 are accepted.`;
  const name = IMAGE.exec(text)?.[1];
  if (name === undefined) return accepted;
  return name.length > 255 ? `its name has ${name.length} characters; at most 255 are accepted.` : undefined;
});

/** What a process can be given: any text without NUL, which ends a string in the kernel. */
export const argument = ruledText((text) => {
  if (text.includes('\0')) return 'it must not contain a NUL character.';
  return text.length > 65_536 ? 'it is too long; at most 65,536 characters are accepted.' : undefined;
});

/** Kubernetes' rule from before 1.34 (letters, digits, `_`, `-`, `.`), which every version accepts. */
export const env = named((name) => {
  const fits =
    /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name) && name.length <= 253 && name !== '.' && !name.startsWith('..');
  return fits ? undefined : 'a name has letters, digits, _, - and ., and does not start with a digit or two dots.';
}, argument);

export const filePath = ruledText((path) => {
  if (!path.startsWith('/') || path === '/') return 'it must be an absolute path such as /inputs/data.json.';
  if (path.length > 1_024) return `it has ${path.length} characters; at most 1,024 are accepted.`;
  if (/\p{Cc}|:/u.test(path)) return 'it must not contain a colon or control characters.';
  if (/\/(?:\.{0,2})(?:\/|$)/.test(path)) return 'it must not contain empty parts, `.` or `..`.';
  const reserved = RESERVED_DIRECTORIES.find((directory) => path === directory || path.startsWith(`${directory}/`));
  return reserved && `${reserved} belongs to the system; put the file elsewhere, e.g. under /inputs.`;
});

export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

export const base64 = ruledText((text) =>
  isBase64(text) ? undefined : 'it must be base64 (RFC 4648, standard alphabet, padded, no line breaks).',
);

export const fileMode = wholeNumber(0, 0o777);

export const retries = wholeNumber(0, 10);

export const priority = wholeNumber(1, 5);

/** `.` and `..` vanish from URLs. */
export const taskId = ruledText((id) => {
  if (id === '') return `it must have 1 to ${LIMITS.taskIdLength} characters.`;
  if (id.length > LIMITS.taskIdLength)
    return `it has ${id.length} characters; at most ${LIMITS.taskIdLength} are accepted.`;
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(id)) return 'it must have printable characters only.';
  if (id.trim() !== id) return 'it must not begin or end with a space.';
  if (/^(?:temporal-sys-|__temporal_)/.test(id)) return 'Temporal keeps ids that begin like this for itself.';
  if (id.startsWith(LIMITER_PREFIX)) return 'Holdfast keeps ids that begin like this for itself.';
  return id === '.' || id === '..' ? 'it must be more than dots.' : undefined;
});

const DNS_LABEL = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const DNS_SUBDOMAIN = new RegExp(String.raw`^${DNS_LABEL}(?:\.${DNS_LABEL})*$`);

function isSubdomain(text: string): boolean {
  return text.length <= 253 && DNS_SUBDOMAIN.test(text);
}

function isQualifiedName(text: string): boolean {
  const slash = text.indexOf('/');
  if (slash !== -1 && !isSubdomain(text.slice(0, slash))) return false;
  return /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(text.slice(slash + 1));
}

export const runtimeClass = ruledText((text) =>
  isSubdomain(text) ? undefined : 'it must be the name of a RuntimeClass such as gvisor (lower case, DNS-1123).',
);

export const nodeSelector = named(
  (name) => (isQualifiedName(name) ? undefined : 'it must be a label name such as kubernetes.io/arch.'),
  ruledText((value) =>
    value === '' || (/^[A-Za-z0-9]/.test(value) && !value.includes('/') && isQualifiedName(value))
      ? undefined
      : 'it must be a label value: at most 63 letters, digits, -, _ and ., or nothing.',
  ),
);

/** Extended resources have a domain of their own; kubernetes.io and requests. are Kubernetes'. */
export const devices = named(
  (name) => {
    const [domain = '', rest] = name.split('/');
    const fits = rest !== undefined && isQualifiedName(name) && !/(^|\.)kubernetes\.io$|^requests\./.test(domain);
    return fits ? undefined : 'it must be an extended resource with a domain such as nvidia.com/gpu.';
  },
  wholeNumber(0, 1_000),
);

export const sampleTimeout = z.number().check((ctx) => {
  if (ctx.value >= 0.1 && ctx.value <= 600) return;
  const message = `is ${ctx.value}; it must be from 0.1 to 600 seconds.`;
  ctx.issues.push({ code: 'custom', input: ctx.value, message });
});

export const parallel = wholeNumber(1, 64);
