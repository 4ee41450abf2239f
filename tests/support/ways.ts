import { Hono } from 'hono'
import { auth } from '../../src/hono.ts'
import { createAuthenticator, withAuth } from '../../src/index.ts'
import type { AuthConfig } from '../../src/index.ts'

export type ConfigSource = AuthConfig | (() => AuthConfig) | undefined

type Send = (
  handler: () => Response,
  config: ConfigSource,
  request: Request,
) => Response | Promise<Response>

/** Each way of a request to a handler or to a rejection. */
export const WAYS: Readonly<Record<string, Send>> = {
  'withAuth(function)': (handler, config, request) => withAuth(handler, config)(request),
  'withAuth({ fetch })': (handler, config, request) =>
    withAuth({ fetch: handler }, config).fetch(request),
  createAuthenticator: async (handler, config, request) => {
    const result = await createAuthenticator(config)(request)
    return result.ok ? handler() : result.response
  },
  'auth of with-auth/hono': (handler, config, request) =>
    new Hono().use(auth(config)).all('*', handler).fetch(request),
}
