import { getAuth, withAuth } from '../../src/index.ts'
import { fromUpstream } from '../../src/verifiers.ts'
import { readRecording } from './recording.ts'
import type { Case } from './recording.ts'

type Lines = readonly (readonly [name: string, value: string])[]

interface Recording {
  /** The headers that oauth2-proxy sent on. */
  readonly o2p: readonly { readonly who: string; readonly lines: Lines }[]
}

/** Who logged in: the name and the groups that the identity provider has. oauth2-proxy joins groups with a comma. */
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
    clientAddress: () => '127.0.0.1',
    onEvent: () => undefined,
  })
  const { o2p } = readRecording<Recording>('hydra-zitadel-oauth2-proxy')
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

function shown(identity: object): string {
  return JSON.stringify(identity)
}
