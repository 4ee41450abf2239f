import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyBearerToken } from 'better-auth/oauth2'
import { Hono } from 'hono'
import { jwk } from 'hono/jwk'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { withAuth } from '../src/index.ts'
import { jwt } from '../src/jwt.ts'
import { loadConfig } from '../src/yaml.ts'
import { AUDIENCE, goodClaims, ISSUER, keyOf, sign } from '../tests/support/issuer.ts'
import type { AddressInfo } from 'node:net'
import type { SigningKey } from '../tests/support/issuer.ts'

/**
 * How libraries that check JWTs treat the keys of the issuer: floods of made-up key ids, outages and rotations, in one run.
 * The clocks are moved forward between requests, so that hours take seconds.
 *
 * Run: node bench/jwt-libraries.ts [--write], after `npm ci --prefix bench`. `--write` puts the table into docs/jwt.md.
 */

const PAGE = new URL('../docs/jwt.md', import.meta.url)
const MARKS = /(<!-- measured by bench\/jwt-libraries\.ts -->\n\n)[^]*?(<!-- end -->)/
const REQUESTS = 1000
const MINUTE = 60_000
const TEN_MINUTES = 10 * MINUTE

const realNow = Date.now
const realTicks = performance.now.bind(performance)
let ahead = 0
Date.now = () => realNow() + ahead
performance.now = () => realTicks() + ahead
// `jose` makes a Date to learn the time of day.
globalThis.Date = new Proxy(Date, {
  construct: (target, args) => Reflect.construct(target, args.length > 0 ? args : [Date.now()]),
})

/** The key server of an issuer. */
interface KeyServer {
  readonly url: string
  keys: readonly SigningKey[]
  isDown: boolean
  fetches: number
  readonly close: () => void
}

type Handler = (request: Request) => Response | Promise<Response>

/** One library with its own defaults, told the issuer and, but for one row, the audience. */
const LIBRARIES: Readonly<Record<string, (jwksUri: string, audience?: string) => Handler>> = {
  'with-auth': (jwksUri, audience) =>
    withAuth(() => new Response('in'), {
      verifier: jwt({ issuer: ISSUER, audience: audience as string, jwksUri }),
      unavailableStatus: 503,
      onEvent: () => undefined,
    }),
  jose: (jwksUri, audience) => {
    const keys = createRemoteJWKSet(new URL(jwksUri))
    return async (request) => {
      await jwtVerify(tokenOf(request), keys, { issuer: ISSUER, ...given(audience) })
      return new Response('in')
    }
  },
  'Hono `jwk`': (jwksUri, audience) => {
    const verification = { iss: ISSUER, ...(audience === undefined ? {} : { aud: audience }) }
    const app = new Hono()
    app.use(jwk({ jwks_uri: jwksUri, alg: ['RS256'], verification }))
    app.get('/', (c) => c.text('in'))
    app.onError((error, c) => ('getResponse' in error ? error.getResponse() : c.text('', 500)))
    return (request) => app.fetch(request)
  },
  'better-auth': (jwksUrl, audience) => async (request) => {
    // Its types require an audience.
    const verifyOptions = { issuer: ISSUER, ...(given(audience) as { audience: string }) }
    await verifyBearerToken(tokenOf(request), { jwksUrl, verifyOptions })
    return new Response('in')
  },
}

function given(audience: string | undefined): { readonly audience?: string } {
  return audience === undefined ? {} : { audience }
}

function tokenOf(request: Request): string {
  return request.headers.get('authorization')?.replace('Bearer ', '') ?? ''
}

async function startKeyServer(...keys: readonly SigningKey[]): Promise<KeyServer> {
  const server = createServer((_request, response) => {
    state.fetches += 1
    if (state.isDown) return response.writeHead(503).end()
    const body = JSON.stringify({ keys: state.keys.map(({ jwk: key }) => key) })
    return response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/keys`
  const state: KeyServer = {
    url,
    keys,
    isDown: false,
    fetches: 0,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
  return state
}

async function statusOf(handler: Handler, token: string): Promise<number | 'throws'> {
  const headers = { authorization: `Bearer ${token}` }
  try {
    return (await handler(new Request('http://localhost/', { headers }))).status
  } catch {
    // jose and better-auth leave the status to their caller.
    return 'throws'
  }
}

const first = await keyOf('RS256', 'first')
const second = await keyOf('RS256', 'second')
// Good beyond the hours that the probes move the clocks by.
const good = await sign(first, goodClaims({ exp: Math.floor(realNow() / 1000) + 86_400 }))
const rotated = await sign(second, goodClaims({ exp: Math.floor(realNow() / 1000) + 86_400 }))

type Probe = (
  handler: Handler,
  server: KeyServer,
  withoutAudience: () => Handler,
) => Promise<string | number>

const PROBES: readonly (readonly [what: string, probe: Probe])[] = [
  [
    `fetches of keys for ${REQUESTS} tokens with made-up key ids in ten minutes`,
    async (handler, server) => {
      await statusOf(handler, good)
      server.fetches = 0
      for (let count = 0; count < REQUESTS; count += 1) {
        ahead += TEN_MINUTES / REQUESTS
        await statusOf(handler, await sign({ ...first, kid: `made-up-${count}` }))
      }
      return server.fetches
    },
  ],
  [
    `fetches of keys for ${REQUESTS} requests in ten minutes while the key server fails`,
    async (handler, server) => {
      server.isDown = true
      for (let count = 0; count < REQUESTS; count += 1) {
        ahead += TEN_MINUTES / REQUESTS
        await statusOf(handler, good)
      }
      return server.fetches
    },
  ],
  [
    'status of a good token while the key server fails and no key is known',
    async (handler, server) => {
      server.isDown = true
      return statusOf(handler, good)
    },
  ],
  [
    'good callers let in during an outage of an hour, one request a minute',
    async (handler, server) => {
      await statusOf(handler, good)
      server.isDown = true
      let admitted = 0
      for (let minute = 0; minute < 60; minute += 1) {
        ahead += MINUTE
        if ((await statusOf(handler, good)) === 200) admitted += 1
      }
      return `${Math.round((100 * admitted) / 60)} %`
    },
  ],
  [
    'the first token of a new key, a minute after the last fetch',
    async (handler, server) => {
      await statusOf(handler, good)
      server.keys = [first, second]
      ahead += MINUTE
      return (await statusOf(handler, rotated)) === 200 ? 'let in' : 'rejected'
    },
  ],
  [
    'a token for another API, without the option audience',
    async (_handler, _server, withoutAudience) => {
      const foreign = await sign(first, goodClaims({ aud: 'https://other.example.com' }))
      let handler: Handler
      try {
        handler = withoutAudience()
      } catch {
        return 'does not start'
      }
      return (await statusOf(handler, foreign)) === 200 ? 'let in' : 'rejected'
    },
  ],
  [
    'a token without `exp`',
    async (handler) => {
      const { exp: _exp, ...claims } = goodClaims()
      return (await statusOf(handler, await sign(first, claims))) === 200 ? 'let in' : 'rejected'
    },
  ],
  [
    'a token that was let in, past its `exp`',
    async (handler) => {
      const exp = Math.floor(Date.now() / 1000) + 300
      const shortLived = await sign(first, goodClaims({ exp }))
      if ((await statusOf(handler, shortLived)) !== 200) throw new Error('was never let in')
      ahead += TEN_MINUTES
      return (await statusOf(handler, shortLived)) === 200 ? 'let in' : 'rejected'
    },
  ],
  [
    'a token that is bound to a key of its holder (`cnf`), sent as Bearer',
    async (handler) => {
      const bound = await sign(first, goodClaims({ cnf: { jkt: 'x' } }))
      return (await statusOf(handler, bound)) === 200 ? 'let in' : 'rejected'
    },
  ],
]

/** A file of Llama Stack and OGX with one provider, by type. */
const PROVIDERS: Readonly<Record<string, string>> = {
  custom: 'endpoint: "https://auth.example.com/validate"',
  oauth2_token: `issuer: ${ISSUER}, audience: api, jwks: { uri: "${ISSUER}keys" }`,
  github_token: 'client_id: a, client_secret: b',
  kubernetes: 'audiences: [api]',
  upstream_header: 'principal_header: x-user, trusted_network: true',
  local_api_key: 'api_keys: [0123456789abcdef]',
}

async function isRead([type, keys]: readonly [string, string]): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'providers-'))
  const file = join(folder, 'run.yaml')
  writeFileSync(file, `server: { auth: { provider_config: { type: ${type}, ${keys} } } }`)
  try {
    return (await loadConfig(file)) !== undefined
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const rows: string[][] = [['', ...Object.keys(LIBRARIES)]]
for (const [what, probe] of PROBES) {
  const row = [what]
  for (const make of Object.values(LIBRARIES)) {
    const server = await startKeyServer(first)
    row.push(String(await probe(make(server.url, AUDIENCE), server, () => make(server.url))))
    server.close()
  }
  rows.push(row)
}

const providers = Object.entries(PROVIDERS)
const areRead = await Promise.all(providers.map(isRead))
const read = `${areRead.filter(Boolean).length} of ${providers.length}`
// The others read no file.
rows.push([
  'types of provider of Llama Stack and OGX that are read from a file',
  read,
  '-',
  '-',
  '-',
])

const [head = [], ...body] = rows.map((row) => `| ${row.join(' | ')} |`)
const table = [head, `|${' --- |'.repeat(rows[0]?.length ?? 0)}`, ...body].join('\n')
process.stdout.write(`${table}\n`)
if (process.argv.includes('--write')) {
  const page = readFileSync(PAGE, 'utf8')
  if (!MARKS.test(page)) throw new Error('docs/jwt.md has no place for the table')
  writeFileSync(
    PAGE,
    page.replace(MARKS, (_all, begin: string, end: string) => `${begin}${table}\n\n${end}`),
  )
}
