import { memoryCache } from '../../src/index.ts'
import { introspection } from '../../src/verifiers.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { at, readRecording } from './recording.ts'
import { startRecordedService } from './service.ts'
import type { IntrospectionOptions } from '../../src/verifiers.ts'
import type { Case } from './recording.ts'
import type { Answer } from './service.ts'
import type { Keycloak, Others, Said, Server } from './recordings.ts'

interface Asked {
  readonly of: string
  readonly token: string
  readonly answer: Answer & { readonly status: number; readonly body: string }
}

const CLIENT = { id: 'my-api', secret: 'secret' }
const AUDIENCE = 'https://api.example.com'
/** The recording began a minute before its last tokens. */
const LATER_MS = 90_000

/** Tokens that Keycloak, Hydra and zitadel/oidc were asked about. */
export async function replayIntrospection(): Promise<Case[]> {
  const keycloak = readRecording<Keycloak>('keycloak')
  const { at: time, hydra, zitadel } = readRecording<Others>('hydra-zitadel-oauth2-proxy')
  const later = time + LATER_MS
  const ofHydra = ofServer(hydra.opaque)
  const { issuer } = hydra.opaque
  const byKeycloak = { issuer: keycloak.issuer, audience: 'my-api' }
  const bare = { audience: AUDIENCE, allowMissingAudience: true }
  return [
    ...(await replay('Keycloak', keycloak.recordedAt, ofKeycloak(keycloak), byKeycloak)),
    ...(await replay('Hydra', later, ofHydra, { issuer, audience: AUDIENCE })),
    ...(await replay('Hydra, without audience too', later, ofHydra, bare)),
    ...(await replay('zitadel', later, ofZitadel(zitadel), {})),
  ]
}

function ofKeycloak({ tokens, asked }: Keycloak): Asked[] {
  return Object.entries(asked).map(([of, answer]) => {
    const name = Object.keys(tokens).find((one) => of.endsWith(` ${one}`)) ?? ''
    // A longer one would be refused before it is asked about.
    return { of, token: (tokens[name] ?? 'noise').slice(0, 8000), answer }
  })
}

function ofServer({ tokens, answers }: Server): Asked[] {
  return Object.entries(answers).map(([of, { status, headers = {}, body }]) => {
    const { 'content-length': _, ...rest } = headers
    const answer = { status, headers: rest, body: JSON.stringify(body) }
    return { of, token: tokens[of] ?? '', answer }
  })
}

function ofZitadel({ wrongClient, ...server }: Others['zitadel']): Asked[] {
  const { 'content-length': _, ...headers } = wrongClient.headers ?? {}
  const answer = { ...wrongClient, headers }
  return [
    ...ofServer(server),
    { of: 'a wrong secret of the client', token: server.tokens['user'] ?? '', answer },
  ]
}

async function replay(
  name: string,
  time: number,
  all: readonly Asked[],
  options: Partial<IntrospectionOptions>,
): Promise<Case[]> {
  let answer: Answer = {}
  let count = 0
  const service = await startRecordedService(() => {
    count += 1
    return answer
  })
  const url = `http://127.0.0.1:${service.port}/introspect`
  const cases = await at(time, async () => {
    const found: Case[] = []
    for (const asked of all) {
      answer = asked.answer
      count = 0
      const verifier = introspection({ url, client: CLIENT, ...options })
      const { ask } = guardWith(verifier, { circuitBreaker: false, cache: memoryCache() })
      const { outcome, reason, auth } = await ask(asked.token)
      const allowed = `in: ${String(auth?.principal)} until ${String(auth?.expiresAt)}`
      const ours = outcome === 'allow' ? allowed : String(reason)
      const of = `${name}: ${asked.of}`
      found.push({ of, recorded: decided(asked.answer, options), ours })
      if (outcome !== 'allow') continue
      await ask(asked.token)
      found.push({ of: `${of}, twice`, recorded: '1 question', ours: `${count} question` })
    }
    return found
  })
  await service.stop()
  return cases
}

/** A server leaves it to the API to compare `aud` and `token_use`. */
function decided(
  { status, body }: Asked['answer'],
  options: Partial<IntrospectionOptions>,
): string {
  if (status !== 200) return 'service_error'
  const said = JSON.parse(body) as Said
  const { active, sub, exp = 0, token_use: use = 'access_token' } = said
  const named = [said.aud ?? []].flat()
  const isForHere =
    options.audience === undefined ||
    named.includes(String(options.audience)) ||
    (named.length === 0 && options.allowMissingAudience === true)
  const isGood = active === true && isForHere && use === 'access_token'
  return isGood ? `in: ${sub} until ${exp * 1000}` : 'denied'
}
