/**
 * The bridge's HTTP surface: itty-router decides on a light request (method, url, headers, and how to read the body),
 * a node:http server carries it without WHATWG Request and Response. A job token is checked before the body is read.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import { Router } from 'itty-router';
import { operationPaths, type AnnouncedModel, type JobOperation } from '../shared/contracts/inference.ts';
import { fail } from '../shared/core/failure.ts';
import { describeError, type Logger } from '../shared/core/log.ts';
import { type Result } from '../shared/core/result.ts';
import type { AnswerSink } from './answer-sink.ts';
import { HttpSink } from './http-sink.ts';
import type { Job } from './job-run.ts';
import type { JobTokenVerifier } from './job-token.ts';
import { readJsonRequest } from './read-json-request.ts';
import { handBack, sendFailure } from './send-failure.ts';

export type LightRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: () => Promise<Result<unknown>>;
};

export type ServerDeps = {
  readonly verify: JobTokenVerifier;
  readonly runJob: (job: Job, sink: AnswerSink) => Promise<void>;
  readonly listModels: () => readonly AnnouncedModel[];
  readonly formatMetrics: () => Promise<{ readonly type: string; readonly text: string }>;
  readonly describeHealth: () => { readonly ok: boolean; readonly body: object };
  /** True from the moment the bridge is told to stop. */
  readonly isDraining: () => boolean;
  readonly log: Logger;
  readonly maxBodyBytes: number;
  readonly keepAliveMs: number;
};

/** Answers through the sink; every path of it sends exactly one answer. */
export type Handle = (request: LightRequest, sink: AnswerSink) => Promise<void>;

const allowedMethods: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.values(operationPaths).map((path) => [path, 'POST'])),
  '/v1/models': 'GET',
  '/healthz': 'GET',
  '/metrics': 'GET',
};

export function createHandle(deps: ServerDeps): Handle {
  const startJob =
    (operation: JobOperation) =>
    async (request: LightRequest, sink: AnswerSink): Promise<true> => {
      // Before its token counts as used: another bridge may have the job.
      if (deps.isDraining()) {
        handBack(sink);
        return true;
      }
      const claims = await deps.verify(request.headers.authorization);
      if (!claims.ok) {
        deps.log.info('job.refused', { code: claims.failure.code, reason: claims.failure.reason });
        sendFailure(sink, claims.failure);
      } else {
        const body = await request.body();
        const traceparent = request.headers['traceparent'];
        const job = { claims: claims.value, operation, body };
        await deps.runJob({ ...job, traceparent: typeof traceparent === 'string' ? traceparent : undefined }, sink);
      }
      return true;
    };
  const router = Router<
    LightRequest & { params: Record<string, string>; query: Record<string, string>; route: string },
    [AnswerSink]
  >();
  for (const [operation, path] of Object.entries(operationPaths)) {
    router.post(path, startJob(operation as JobOperation));
  }
  router
    .get('/v1/models', (_request, sink) =>
      sendJson(sink, 200, { object: 'list', data: deps.listModels().map(formatModel) }),
    )
    .get('/healthz', (_request, sink) => {
      const { ok, body } = deps.describeHealth();
      return sendJson(sink, ok ? 200 : 503, body);
    })
    .get('/metrics', async (_request, sink) => {
      const { type, text } = await deps.formatMetrics();
      sink.sendJson(200, text, { 'content-type': type });
      return true;
    })
    .all('*', (request, sink) => {
      const allow = allowedMethods[new URL(request.url).pathname];
      sendFailure(sink, fail(allow ? 'method_not_allowed' : 'not_found'));
      return true;
    });
  return async (request, sink) => {
    try {
      // The router adds members of its own to the request.
      await router.fetch({ ...request } as Parameters<typeof router.fetch>[0], sink);
    } catch (error) {
      deps.log.error('server.error', { method: request.method, error: describeError(error) });
      if (!sink.gone.aborted) sendFailure(sink, fail('internal_error'));
    }
  };
}

function sendJson(sink: AnswerSink, status: number, body: object): true {
  sink.sendJson(status, JSON.stringify(body), {});
  return true;
}

function formatModel(model: AnnouncedModel): object {
  return { id: model.id, object: 'model', created: 0, owned_by: model.owned_by };
}

export function createHttpServer(handle: Handle, deps: Pick<ServerDeps, 'maxBodyBytes' | 'keepAliveMs'>): Server {
  const server = createServer(
    { noDelay: true, keepAliveTimeout: 65_000, requestTimeout: 60_000 },
    (incoming, response) => {
      const sink = new HttpSink(response, deps.keepAliveMs);
      void handle(toLightRequest(incoming, deps.maxBodyBytes), sink).finally(() => {
        if (!incoming.complete) discardRest(incoming);
      });
    },
  );
  return server;
}

/** Reads on for a moment, so that the caller gets to see the answer, then hangs up. */
function discardRest(incoming: IncomingMessage): void {
  incoming.resume();
  const timer = setTimeout(() => incoming.socket.destroy(), 2000);
  incoming.once('close', () => clearTimeout(timer));
  incoming.once('end', () => clearTimeout(timer));
}

function toLightRequest(incoming: IncomingMessage, maxBodyBytes: number): LightRequest {
  const path = incoming.url?.startsWith('/') ? incoming.url : '/';
  return {
    method: incoming.method ?? 'GET',
    url: `http://bridge${path}`,
    headers: incoming.headers,
    body: () => readJsonRequest(incoming, maxBodyBytes),
  };
}
