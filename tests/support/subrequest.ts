import type { ForwardAuthProxy } from '../../src/forward-auth.ts'

/** The request of a client behind a proxy. */
export interface Client {
  readonly target?: string
  readonly method?: string
  readonly host?: string
  readonly scheme?: string
  readonly address?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The subrequest in which a proxy asks about the request of a client. */
export function subrequest(proxy: ForwardAuthProxy, client: Client = {}, ownTarget = '/'): Request {
  const [target, method] =
    proxy === 'nginx'
      ? ['x-original-uri', 'x-original-method']
      : ['x-forwarded-uri', 'x-forwarded-method']
  const headers = {
    ...client.headers,
    [target]: client.target ?? '/',
    [method]: client.method ?? 'GET',
    'x-forwarded-host': client.host ?? 'api.example.test',
    'x-forwarded-proto': client.scheme ?? 'https',
    'x-forwarded-for': client.address ?? '203.0.113.7',
  }
  return new Request(`http://127.0.0.1:8323${ownTarget}`, { headers })
}
