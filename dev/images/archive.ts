import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../system/processes.ts';

export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
}

export interface Image {
  readonly name: string;
  /** A folder that becomes the image's one layer. Images of the same folder share it. */
  readonly root: string;
  readonly config: ImageConfig;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const architectures: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

/** Writes an OCI archive with all the images; the same folders give the same bytes. */
export async function writeImageArchive(target: string, images: readonly Image[]): Promise<void> {
  const layout = `${target}.layout`;
  const blobs = join(layout, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const layers = new Map<string, Descriptor>();
  for (const root of new Set(images.map((image) => image.root))) layers.set(root, await writeLayer(blobs, root));
  const manifests = images.map((image) => writeImage(blobs, image, layers));
  writeFileSync(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  await packed(layout, target);
  rmSync(layout, { recursive: true });
}

function writeImage(blobs: string, image: Image, layers: ReadonlyMap<string, Descriptor>): object {
  const layer = layers.get(image.root);
  if (layer === undefined) throw new Error(`no layer was written for ${image.name}`);
  const architecture = architectures[process.arch] ?? process.arch;
  const rootfs = { type: 'layers', diff_ids: [layer.digest] };
  const config = writeBlob(blobs, 'application/vnd.oci.image.config.v1+json', {
    architecture,
    os: 'linux',
    config: image.config,
    rootfs,
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = writeBlob(blobs, mediaType, { schemaVersion: 2, mediaType, config, layers: [layer] });
  return {
    ...manifest,
    platform: { architecture, os: 'linux' },
    annotations: { 'io.containerd.image.name': image.name },
  };
}

function writeBlob(blobs: string, mediaType: string, content: object): Descriptor {
  const bytes = Buffer.from(JSON.stringify(content));
  const hex = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(blobs, hex), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}

/** Not compressed: it is unpacked at every start, and read from a disk that is faster than gunzip. */
async function writeLayer(blobs: string, root: string): Promise<Descriptor> {
  const aside = join(blobs, 'layer.tar');
  await packed(root, aside);
  const hex = createHash('sha256').update(readFileSync(aside)).digest('hex');
  renameSync(aside, join(blobs, hex));
  return {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    digest: `sha256:${hex}`,
    size: statSync(join(blobs, hex)).size,
  };
}

async function packed(folder: string, target: string): Promise<void> {
  const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];
  await run('tar', [...same, '-C', folder, '-cf', target, '.']);
}
