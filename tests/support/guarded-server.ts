import { createAdaptorServer } from '@hono/node-server'
import { getAuth, withAuth } from '../../src/index.ts'
import { exchange, head } from './raw-client.ts'
import { run } from './tcp-endpoint.ts'
import type { IncomingMessage } from 'node:http'
import type { Server } from 'node:net'
import type { Auth, AuthConfig, AuthEvent, DecisionEvent } from '../../src/index.ts'

/** What `@hono/node-server` gives as the second argument. */
export interface NodeEnv {
  readonly incoming: IncomingMessage
}

type Handler = (request: Request, env: NodeEnv) => Response | Promise<Response>

/** Serves a handler on a socket until the end of the test. Returns the port. */
export async function serveHandler(fetch: Handler): Promise<number> {
  const server = createAdaptorServer({ fetch: fetch as (request: Request) => Response }) as Server
  const { port } = await run(server)
  return port
}

/** Starts a server that tells a caller its identity. */
export async function startGuarded(config: AuthConfig) {
  const events: AuthEvent[] = []
  const decisions: DecisionEvent[] = []
  const onEvent = (event: AuthEvent): void => {
    events.push(event)
    if (event.type === 'decision') decisions.push(event)
  }
  const port = await serveHandler(
    withAuth((request: Request, _env: NodeEnv) => Response.json(getAuth(request)), {
      ...config,
      onEvent,
    }),
  )
  return {
    port,
    events,
    /** The last one. */
    decision: (): DecisionEvent | undefined => decisions.at(-1),
    ask: (fields: readonly (readonly [string, string])[], target?: Target) =>
      ask(port, fields, target),
  }
}

export interface Target {
  readonly method?: string
  readonly path?: string
}

export interface Told {
  readonly status: number | undefined
  /** The identity, or the body of the rejection. */
  readonly body: Partial<Auth> & { readonly error?: Readonly<Record<string, unknown>> }
}

/** Sends header fields in exactly this spelling and order. */
export async function ask(
  port: number,
  fields: readonly (readonly [string, string])[],
  { method = 'GET', path = '/' }: Target = {},
): Promise<Told> {
  const lines = fields.map((field) => field.join(': '))
  const bytes = head(`${method} ${path}`, 'Host: api.test', 'Connection: close', ...lines)
  const response = await exchange(`http://127.0.0.1:${port}`, Buffer.from(bytes, 'latin1'))
  return { status: response?.status, body: JSON.parse(response?.body ?? '') as Told['body'] }
}
