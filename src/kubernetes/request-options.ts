/** What the generated client can do only through its middleware. */
import {
  type ConfigurationOptions,
  Observable,
  type RequestContext,
  type ResponseContext,
  setHeaderOptions,
  type V1ObjectMeta,
} from '@kubernetes/client-node';

const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

/** A `signal` option is silently ignored. */
export function withSignal(signal: AbortSignal, heard?: (response: ResponseContext) => void): ConfigurationOptions {
  return {
    middlewareMergeStrategy: 'append',
    middleware: [
      {
        pre: (request: RequestContext) => {
          request.setSignal(signal);
          return new Observable(Promise.resolve(request));
        },
        post: (response: ResponseContext) => {
          heard?.(response);
          return new Observable(Promise.resolve(response));
        },
      },
    ],
  };
}

/** What carries certain labels, and when that was so. */
export interface Marks {
  readonly anchors: readonly V1ObjectMeta[];
  readonly jobs: readonly V1ObjectMeta[];
  /** By the API server's own clock, to the second; an invalid date if it did not say. */
  readonly at: Date;
}

export function metadataOnly(options: ConfigurationOptions): ConfigurationOptions {
  return setHeaderOptions('Accept', METADATA_ONLY, options);
}

/** An empty list of metadata has `null` for its items. */
export function metadataOf({ items }: MetadataList): readonly V1ObjectMeta[] {
  return (items ?? []).flatMap(({ metadata }) => metadata ?? []);
}

interface MetadataList {
  readonly items: readonly { readonly metadata?: V1ObjectMeta }[] | null;
}
