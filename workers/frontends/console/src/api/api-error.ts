/** What the platform refused, in its own words. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | undefined;
  /** The field that is wrong, as a dotted path. */
  readonly param: string | undefined;
  readonly requestId: string | undefined;

  constructor(
    message: string,
    about: {
      status?: number;
      code?: string | undefined;
      param?: string | undefined;
      requestId?: string | undefined;
    } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = about.status ?? 0;
    this.code = about.code;
    this.param = about.param;
    this.requestId = about.requestId;
  }
}

export async function toApiError(answer: Response): Promise<ApiError> {
  type Body = { error?: { message?: string; code?: string | null; param?: string | null } };
  const { error } = await (answer.json() as Promise<Body>).catch((): Body => ({}));
  return new ApiError(error?.message ?? `The platform answered with ${answer.status} and said no more.`, {
    status: answer.status,
    code: error?.code ?? undefined,
    param: error?.param ?? undefined,
    requestId: answer.headers.get('x-request-id') ?? undefined,
  });
}
