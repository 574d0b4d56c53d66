/**
 * A route is data: what it is called, what it takes and gives, who may use it. The three constructors fix what a handler
 * can reach: a public one nothing of a tenant, a tenant's its own tenant alone, the operator's the platform.
 */
import type { z } from 'zod';
import type { Result } from '../../shared/core/result.ts';
import type { Permission } from '../../shared/contracts/keys.ts';
import type { AdmissionPlan, TenantCall, TenantRequest } from '../edge/tenant-call.ts';
import type { RequestContext } from '../edge/request-context.ts';
import type { Surface } from './problem-response.ts';
import type { Reply } from './reply.ts';

type Schema = z.ZodType;
type Out<S> = S extends z.ZodType ? z.infer<S> : undefined;

export type Shape<P extends Schema | undefined, Q extends Schema | undefined, B extends Schema | undefined> = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** As in OpenAPI: `/v1/agents/{agent}`. The last parameter may hold slashes where `greedy` says so. */
  readonly path: string;
  readonly greedy?: true;
  readonly operation: string;
  readonly summary: string;
  readonly tag: string;
  readonly surface: Surface;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** The body may also come as a multipart form. */
  readonly form?: true;
  /** Media type of a body that the handler reads itself; a tenant's handler is given its text. */
  readonly rawBody?: string;
  /**
   * The good answer; `media` where it is not JSON, `others` that it can be asked for as well. `revalidates`: to who holds
   * it still, it is a 304 without a body.
   */
  readonly answer: {
    readonly status: number;
    readonly schema?: Schema;
    readonly media?: string;
    readonly others?: readonly string[];
    readonly revalidates?: true;
  };
};

/** Input as the schemas parsed it. */
export type Input<P, Q, B> = {
  readonly params: Out<P>;
  readonly query: Out<Q>;
  readonly body: Out<B>;
  readonly text: string;
};
/** Input whose types a route table cannot know; the constructors keep the real ones for the handler. */
export type AnyInput = { readonly params: never; readonly query: never; readonly body: never; readonly text: string };

type Common = Shape<Schema | undefined, Schema | undefined, Schema | undefined>;

export type PublicRoute = Common & {
  readonly access: 'public';
  /** Which hosts have it. */
  readonly host: 'apex' | 'tenant' | 'any';
  readonly handle: (context: RequestContext, input: AnyInput) => Promise<Result<Reply>> | Result<Reply>;
};
export type OperatorRoute = Common & {
  readonly access: 'operator';
  readonly host: 'apex';
  readonly handle: (context: RequestContext, input: AnyInput) => Promise<Result<Reply>>;
};
export type TenantRoute = Common & {
  readonly access: 'tenant';
  readonly host: 'tenant';
  readonly permission: Permission | null;
  /** `own`: the conversation decides who may see it. Otherwise `params.agent` names the agent it is about, if any. */
  readonly reach: 'agent' | 'own';
  /**
   * Whether it takes an Idempotency-Key. `by ids`: no answer is kept; the same ids make another run the same run, and tell
   * it what was deleted since.
   */
  readonly idempotent: boolean | 'by ids';
  /** What the request needs beyond its permission: an agent, a reservation, a conversation. Runs before admission. */
  readonly plan?: (request: TenantRequest, input: AnyInput) => Promise<Result<AdmissionPlan>>;
  readonly handle: (call: TenantCall, input: AnyInput) => Promise<Result<Reply>>;
};
export type Route = PublicRoute | OperatorRoute | TenantRoute;

export function publicRoute<
  P extends Schema | undefined = undefined,
  Q extends Schema | undefined = undefined,
  B extends Schema | undefined = undefined,
>(
  shape: Shape<P, Q, B> & { readonly host: PublicRoute['host'] },
  handle: (context: RequestContext, input: Input<P, Q, B>) => Promise<Result<Reply>> | Result<Reply>,
): PublicRoute {
  return { ...shape, access: 'public', handle } as PublicRoute;
}

export function operatorRoute<
  P extends Schema | undefined = undefined,
  Q extends Schema | undefined = undefined,
  B extends Schema | undefined = undefined,
>(
  shape: Shape<P, Q, B>,
  handle: (context: RequestContext, input: Input<P, Q, B>) => Promise<Result<Reply>>,
): OperatorRoute {
  return { ...shape, access: 'operator', host: 'apex', handle } as OperatorRoute;
}

type TenantShape = {
  readonly permission: Permission | null;
  readonly reach?: TenantRoute['reach'];
  readonly idempotent?: TenantRoute['idempotent'];
};

export function tenantRoute<
  P extends Schema | undefined = undefined,
  Q extends Schema | undefined = undefined,
  B extends Schema | undefined = undefined,
  X = undefined,
>(
  shape: Shape<P, Q, B> &
    TenantShape & {
      readonly plan?: (request: TenantRequest, input: Input<P, Q, B>) => Promise<Result<AdmissionPlan<X>>>;
    },
  handle: (call: TenantCall<X>, input: Input<P, Q, B>) => Promise<Result<Reply>>,
): TenantRoute {
  return {
    ...shape,
    access: 'tenant',
    host: 'tenant',
    reach: shape.reach ?? 'agent',
    idempotent: shape.idempotent ?? false,
    handle,
  } as unknown as TenantRoute;
}
