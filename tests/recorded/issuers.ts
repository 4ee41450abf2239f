import { jwt } from '../../src/jwt.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { at, readRecording } from './recording.ts'
import { startRecordedService } from './service.ts'
import type { JwtOptions } from '../../src/jwt.ts'
import type { Case } from './recording.ts'
import type { Keycloak, Others, Said } from './recordings.ts'

/** Tokens of Keycloak and Hydra, with their recorded keys behind `jwt`. */

type Issuer = Awaited<ReturnType<typeof serveIssuer>>

/**
 * Serves documents of an issuer on this machine, in place of its own host. `publish` replaces some of them.
 *
 * @param issuer The issuer as its tokens name it.
 * @param documents By their path, as JSON.
 */
async function serveIssuer(issuer: string, documents: Readonly<Record<string, object>>) {
  let published = documents
  const service = await startRecordedService(({ url }) => {
    const document = published[url]
    return document === undefined ? { status: 404 } : { body: JSON.stringify(document) }
  })
  const { origin } = new URL(issuer)
  const fetchHere: NonNullable<JwtOptions['fetch']> = (url, init) =>
    fetch(url.replace(origin, `http://127.0.0.1:${service.port}`), init)
  return {
    publish: (more: typeof documents): void => void (published = { ...published, ...more }),
    stop: service.stop,
    /** Decides about a token, and says `allowed` with the principal, or `rejected`. */
    decideBy: (options: Omit<JwtOptions, 'issuer' | 'fetch'>) => {
      const { ask } = guardWith(jwt({ issuer, fetch: fetchHere, ...options }))
      return async (token = '') => {
        const { outcome, principal } = await ask(token)
        return outcome === 'allow' ? `allowed ${principal}` : 'rejected'
      }
    },
  }
}

/** The audiences of ours: this API alone, and the clients that users log in to as well. */
const AUDIENCES = [['my-api'], ['my-api', 'web', 'rfc9068', 'out']]

/** Tokens that Keycloak decided about for the API `my-api`. It decides about a token by its answer to the API. */
export async function replayKeycloak(): Promise<Case[]> {
  const recording = readRecording<Keycloak>('keycloak')
  const { recordedAt, issuer, discovery, keysAtFirst, keys, tokens, asked } = recording
  const keysPath = new URL(discovery.jwks_uri).pathname
  const service = await serveIssuer(issuer, {
    [`${new URL(issuer).pathname}/.well-known/openid-configuration`]: discovery,
    [keysPath]: keysAtFirst,
  })
  const cases = await at(recordedAt, async () => {
    const found = await decideRotations(recording, keysPath, service)
    service.publish({ [keysPath]: keys })
    for (const audience of AUDIENCES) {
      const decide = service.decideBy({ audience })
      for (const name of Object.keys(tokens).filter((one) => `my-api ${one}` in asked)) {
        const { active, sub } = answerAbout(name, asked)
        const recorded = active === true ? `allowed ${sub}` : 'rejected'
        const of = `${name}, for ${audience.join(' or ')}`
        found.push({ of, recorded, ours: await decide(tokens[name]) })
      }
    }
    return found
  })
  await service.stop()
  return cases
}

/** The first token of each new key: Keycloak signs with it at once. */
async function decideRotations(
  { tokens, asked, ...recording }: Keycloak,
  keysPath: string,
  { publish, decideBy }: Issuer,
): Promise<Case[]> {
  const decide = decideBy({ audience: 'my-api' })
  const rotations = [
    ['password', recording.keysAtFirst, 'password'],
    ['ES256', recording.keys, 'RS256'],
    ['rotated', recording.keysRotated, 'password'],
    ['Ed448', recording.keysEd448, 'RS256'],
  ] as const
  const cases: Case[] = []
  for (const [name, keys, ofSameUser] of rotations) {
    publish({ [keysPath]: keys })
    const recorded = `allowed ${answerAbout(ofSameUser, asked).sub}`
    const ours = await decide(tokens[name])
    cases.push({ of: `the first token of a new key: ${name}`, recorded, ours })
  }
  return cases
}

function answerAbout(name: string, asked: Keycloak['asked']): Said {
  return JSON.parse(asked[`my-api ${name}`]?.body ?? '{}') as Said
}

const AUDIENCE = 'https://api.example.com'
/** The recording began some seconds before its tokens. */
const LATER_MS = 10_000
const KEYS = '/.well-known/jwks.json'

/** Tokens that Hydra decided about. */
export async function replayHydra(): Promise<Case[]> {
  const { at: time, hydra } = readRecording<Others>('hydra-zitadel-oauth2-proxy')
  const { issuer, web, tokens, answers, documents } = hydra.jwt
  const good = Object.entries(documents).filter(([, { status }]) => status === 200)
  const published = good.map(([path, { body }]) => [path, JSON.parse(body) as object] as const)
  const service = await serveIssuer(issuer, Object.fromEntries(published))
  const cases = await at(time + LATER_MS, async () => {
    const found = [await decideRotation(hydra.jwt, service)]
    const both = { audience: [AUDIENCE, web], requiredClaims: ['client_id'] }
    for (const options of [{ audience: AUDIENCE }, both]) {
      const decide = service.decideBy(options)
      for (const [name, { body }] of Object.entries(answers)) {
        const ours = await decide(tokens[name])
        found.push({ of: `${name}, ${JSON.stringify(options)}`, recorded: decided(body), ours })
      }
    }
    return found
  })
  await service.stop()
  return cases
}

/** Hydra leaves it to the API to compare `aud` and `token_use`. */
function decided({ active = false, aud = [], token_use: use, sub }: Said): string {
  const isForHere = active && use === 'access_token' && aud.includes(AUDIENCE)
  return isForHere ? `allowed ${sub}` : 'rejected'
}

/** The first token of a new key: Hydra signs with it at once. */
async function decideRotation(
  { tokens, answers, documents }: Others['hydra']['jwt'],
  { publish, decideBy }: Issuer,
): Promise<Case> {
  const token = tokens['user'] ?? ''
  const { kid } = JSON.parse(atob(token.split('.')[0] ?? '')) as { readonly kid: string }
  const rotated = JSON.parse(documents[KEYS]?.body ?? '') as { keys: readonly { kid: string }[] }
  const decide = decideBy({ audience: AUDIENCE })
  publish({ [KEYS]: { keys: rotated.keys.filter((key) => key.kid !== kid) } })
  await decide(tokens['id'])
  publish({ [KEYS]: rotated })
  const recorded = `allowed ${answers['user']?.body.sub}`
  return { of: 'the first token of a new key', recorded, ours: await decide(token) }
}
