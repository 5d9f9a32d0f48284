/**
 * As much of Express 5 and Fastify 5 as docs/web.md uses, so that its examples compile without either. Where a
 * parameter is loose here it is so in the frameworks' own types.
 */
declare module 'express' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

  namespace express {
    type ParamsOf<Path> = Path extends `${string}:${infer Name}` ? { readonly [In in Name]: string } : object
    interface Request<Path = string> extends IncomingMessage {
      readonly params: ParamsOf<Path>
      // biome-ignore lint/suspicious/noExplicitAny: as in its own types
      readonly body: any
    }
    interface Response extends ServerResponse {
      // biome-ignore lint/suspicious/noExplicitAny: as in its own types
      readonly locals: Record<string, any>
      set(name: string, value: string): this
      status(code: number): this
      json(value: unknown): this
    }
    type NextFunction = (error?: unknown) => void
    type Handler<Path = string> = (request: Request<Path>, response: Response, next: NextFunction) => unknown
    type ErrorHandler = (error: unknown, request: Request, response: Response, next: NextFunction) => unknown
    interface Application extends RequestListener {
      use(handler: Handler): this
      use(handler: ErrorHandler): this
      get<Path extends string>(path: Path, handler: Handler<Path>): this
      post<Path extends string>(path: Path, handler: Handler<Path>): this
    }
  }
  function express(): express.Application
  namespace express {
    function json(): Handler
  }
  export = express
}

declare module 'fastify' {
  import type { IncomingHttpHeaders } from 'node:http'

  export interface FastifyRequest {
    readonly headers: IncomingHttpHeaders
  }
  export interface FastifyReply {
    code(status: number): this
    header(name: string, value: string): this
    send(body?: unknown): this
  }
  interface Route {
    readonly Params?: unknown
    readonly Body?: unknown
  }
  type Typed<R extends Route> = FastifyRequest & { readonly params: R['Params']; readonly body: R['Body'] }
  type Handler<R extends Route> = (request: Typed<R>, reply: FastifyReply) => Promise<unknown>
  export interface FastifyInstance {
    addHook(
      name: 'preHandler',
      hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void,
    ): this
    addHook(name: 'onSend', hook: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): this
    setErrorHandler(handler: (error: unknown, request: FastifyRequest, reply: FastifyReply) => unknown): this
    get<R extends Route>(path: string, handler: Handler<R>): this
    post<R extends Route>(path: string, handler: Handler<R>): this
  }
  export default function fastify(): FastifyInstance
}
