import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

/**
 * Certificates for a cluster that lives for an hour on loopback. Node can read X.509 but not make it, and neither
 * openssl nor another program may be taken for granted, so the little DER that is needed is written here.
 */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export interface Authority extends Certificate {
  readonly name: string;
}

export interface Subject {
  readonly commonName: string;
  readonly organization?: string;
  /** Names and addresses, for certificates of servers. */
  readonly hosts?: readonly string[];
}

export function createAuthority(name: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [extension(oid.basicConstraints, sequence(boolean(true))), extension(oid.keyUsage, bits(0x06, 1))];
  const certificate = signed(
    { issuer: { commonName: name }, subject: { commonName: name }, publicKey, extensions },
    privateKey,
  );
  return { name, certificate, key: pemKey(privateKey) };
}

export function issue(authority: Authority, subject: Subject): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const usage = subject.hosts ? oid.serverAuth : oid.clientAuth;
  const extensions = [
    extension(oid.keyUsage, bits(0x80, 7)),
    extension(oid.extendedKeyUsage, sequence(usage)),
    ...(subject.hosts ? [extension(oid.subjectAlternativeName, sequence(...subject.hosts.map(alternativeName)))] : []),
  ];
  const issuer = { commonName: authority.name };
  const certificate = signed({ issuer, subject, publicKey, extensions }, createPrivateKey(authority.key));
  return { certificate, key: pemKey(privateKey) };
}

interface ToBeSigned {
  readonly issuer: Subject;
  readonly subject: Subject;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

function signed({ issuer, subject, publicKey, extensions }: ToBeSigned, signer: KeyObject): string {
  const now = Date.now();
  const validity = sequence(time(now - 3_600_000), time(now + 365 * 86_400_000));
  const serial = randomBytes(16);
  serial[0] = (serial.readUInt8(0) & 0x7f) | 0x40;
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    sequence(oid.ecdsaWithSha256),
    distinguishedName(issuer),
    validity,
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  );
  const der = sequence(body, sequence(oid.ecdsaWithSha256), bits(sign('sha256', body, signer), 0));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

const pemKey = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

function length(value: number): Buffer {
  if (value < 0x80) return Buffer.from([value]);
  if (value < 0x100) return Buffer.from([0x81, value]);
  return Buffer.from([0x82, value >> 8, value & 0xff]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, ...parts);
const integer = (value: Buffer): Buffer => tagged(0x02, value);
const boolean = (value: boolean): Buffer => tagged(0x01, Buffer.from([value ? 0xff : 0]));
const text = (value: string): Buffer => tagged(0x0c, Buffer.from(value));
const octets = (value: Buffer): Buffer => tagged(0x04, value);

function bits(value: number | Buffer, unused: number): Buffer {
  return tagged(0x03, Buffer.from([unused]), typeof value === 'number' ? Buffer.from([value]) : value);
}

/** UTCTime: two digits of the year, which is why it ends in 2049. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`));
}

function distinguishedName({ organization, commonName }: Subject): Buffer {
  const part = (type: Buffer, value: string) => tagged(0x31, sequence(type, text(value)));
  const organizations = organization === undefined ? [] : [part(oid.organization, organization)];
  return sequence(...organizations, part(oid.commonName, commonName));
}

function extension(type: Buffer, value: Buffer): Buffer {
  const isCritical = type === oid.basicConstraints || type === oid.keyUsage;
  return sequence(type, ...(isCritical ? [boolean(true)] : []), octets(value));
}

function alternativeName(host: string): Buffer {
  return isIP(host) === 4 ? tagged(0x87, Buffer.from(host.split('.').map(Number))) : tagged(0x82, Buffer.from(host));
}

function objectId(...numbers: readonly number[]): Buffer {
  const [first = 0, second = 0, ...rest] = numbers;
  const base128 = (value: number): number[] => {
    const digits = [value & 0x7f];
    for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  };
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

const oid = {
  commonName: objectId(2, 5, 4, 3),
  organization: objectId(2, 5, 4, 10),
  basicConstraints: objectId(2, 5, 29, 19),
  keyUsage: objectId(2, 5, 29, 15),
  extendedKeyUsage: objectId(2, 5, 29, 37),
  subjectAlternativeName: objectId(2, 5, 29, 17),
  serverAuth: objectId(1, 3, 6, 1, 5, 5, 7, 3, 1),
  clientAuth: objectId(1, 3, 6, 1, 5, 5, 7, 3, 2),
  ecdsaWithSha256: objectId(1, 2, 840, 10045, 4, 3, 2),
};
