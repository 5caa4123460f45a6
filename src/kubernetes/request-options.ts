/** What the generated client can do only through its middleware. */
import {
  type ConfigurationOptions,
  Observable,
  type RequestContext,
  type ResponseContext,
  setHeaderOptions,
} from '@kubernetes/client-node';

const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

/** A `signal` option is silently ignored. */
export function withSignal(signal: AbortSignal, heard: (response: ResponseContext) => void): ConfigurationOptions {
  return {
    middlewareMergeStrategy: 'append',
    middleware: [
      {
        pre: (request: RequestContext) => {
          request.setSignal(signal);
          return new Observable(Promise.resolve(request));
        },
        post: (response: ResponseContext) => {
          heard(response);
          return new Observable(Promise.resolve(response));
        },
      },
    ],
  };
}

/** Whoever lists anchors and Jobs wants their marks, and an anchor may be a megabyte. */
export function metadataOnly(options: ConfigurationOptions): ConfigurationOptions {
  return setHeaderOptions('Accept', METADATA_ONLY, options);
}

/** A list of metadata that is empty has `null` for its items. */
export function itemsOf<T>({ items }: { readonly items: readonly T[] | null }): readonly T[] {
  return items ?? [];
}
