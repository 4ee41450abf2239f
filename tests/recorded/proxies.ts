import { createForwardAuth } from '../../src/forward-auth.ts'
import { getAuth, withAuth } from '../../src/index.ts'
import { fromUpstream } from '../../src/verifiers.ts'
import { readRecording } from './recording.ts'
import type { Case } from './recording.ts'
import type { Others } from './recordings.ts'

/** The user who logged in, with the name and the groups of the identity provider. oauth2-proxy joins groups with a comma. */
const CALLERS: Readonly<Record<string, { principal: string; teams?: readonly string[] }>> = {
  one: { principal: 'bob', teams: ['design'] },
  none: { principal: 'carol' },
  two: { principal: 'alice', teams: ['engineering', 'design'] },
  json: { principal: 'eve', teams: ['["admin"', '"ops"]'] },
  umlaut: { principal: 'jürgen' },
  comma: { principal: 'doe,john' },
  // The client sent `X-Forwarded-Groups` and `X-Auth-Request-Groups` of its own.
  forged: { principal: 'bob', teams: ['design'] },
}

/** Callers behind oauth2-proxy, by the headers that it sends to the server behind it. */
export async function replayOauth2Proxy(): Promise<Case[]> {
  const app = withAuth((request: Request) => Response.json(getAuth(request)), {
    ...fromUpstream({
      principalHeader: 'x-forwarded-user',
      attributeHeaders: { 'x-forwarded-groups': { attribute: 'teams', separator: ',' } },
      proof: { addresses: ['127.0.0.1'] },
    }),
    context: { clientAddress: () => '127.0.0.1' },
    onEvent: () => undefined,
  })
  const { o2p } = readRecording<Others>('hydra-zitadel-oauth2-proxy')
  return Promise.all(
    o2p.map(async ({ who, lines }) => {
      const headers = lines.map(([name, value]): [string, string] => [name, value])
      const response = await app(new Request('http://app.test/', { headers }))
      const { principal, attributes } = (await response.json()) as Record<string, unknown>
      const { principal: name, teams } = CALLERS[who] ?? { principal: '' }
      return {
        of: who,
        recorded: shown({ principal: name, attributes: teams === undefined ? {} : { teams } }),
        ours: response.status === 200 ? shown({ principal, attributes }) : String(response.status),
      }
    }),
  )
}

/** Subrequests of the proxies. Their targets were passed on as told, but for those of Traefik, which ran without `--raw-targets`. */
export async function replaySubrequests(): Promise<Case[]> {
  const { subrequests } = readRecording<Others>('hydra-zitadel-oauth2-proxy')
  const proxies = ['nginx', 'caddy', 'haproxy', 'traefik'] as const
  const cases = proxies.map(async (proxy) => {
    const answer = createForwardAuth(
      {
        verifier: ({ token }) =>
          token === 'KEY' ? { outcome: 'allow', principal: 'alice' } : { outcome: 'deny' },
        public: ['/healthz'],
        preflight: 'allow',
        onEvent: () => undefined,
      },
      { for: proxy, rawTargets: proxy !== 'traefik' },
    )
    return Promise.all(
      subrequests[proxy].map(async ({ method, url, lines, status }) => {
        const headers = lines.map(([name, value]): [string, string] => [name, value])
        const response = await answer(
          new Request(`http://127.0.0.1:8323${url}`, { method, headers }),
        )
        // A client that claims to be root is still alice.
        const name = response.headers.get('x-auth-principal')
        const ours = name === 'root' ? 'root' : String(response.status)
        return { of: `${proxy}: ${JSON.stringify(lines)}`, recorded: String(status), ours }
      }),
    )
  })
  return (await Promise.all(cases)).flat()
}

function shown(identity: object): string {
  return JSON.stringify(identity)
}
