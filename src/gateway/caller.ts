/** Who asks, as far as the routes need to know. */
export const SCOPES = ['start', 'read', 'cancel', 'kill'] as const;
export type Scope = (typeof SCOPES)[number];

export interface Caller {
  /** Key id or token subject: it stands in the log, and rates are counted by it. */
  readonly name: string;
  /** Sees and touches the tasks of this tenant only; undefined where nobody has to prove who they are: all tasks. */
  readonly tenant: string | undefined;
  readonly scopes: readonly Scope[];
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
  }
  interface FastifyContextConfig {
    /** What a caller must be allowed; a route without it is open to everybody. */
    scope?: Scope;
  }
}

export function maySee({ tenant }: Caller, task: { readonly tenant?: string }): boolean {
  return tenant === undefined || task.tenant === tenant;
}
