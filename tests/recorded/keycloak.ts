import { serveIssuer } from './issuer.ts'
import { at, readRecording } from './recording.ts'
import type { Case } from './recording.ts'
import type { Keycloak } from './recordings.ts'

interface Answer {
  readonly active?: boolean
  readonly sub?: string
}

/** The audiences of ours: this API alone, and the clients that users log in to as well. */
const AUDIENCES = [['my-api'], ['my-api', 'web', 'rfc9068', 'out']]

/** Tokens that Keycloak decided about for the API `my-api`, with its keys behind `jwt`. */
export async function replayKeycloak(): Promise<Case[]> {
  const recording = readRecording<Keycloak>('keycloak')
  const { recordedAt, issuer, discovery, keysAtFirst } = recording
  const { jwks_uri: uri } = discovery
  const keysPath = new URL(uri).pathname
  const service = await serveIssuer(issuer, {
    [`${new URL(issuer).pathname}/.well-known/openid-configuration`]: discovery,
    [keysPath]: keysAtFirst,
  })
  const publish = (keys: object): void => service.publish({ [keysPath]: keys })
  const cases = await at(recordedAt, async () => {
    const found = await decideRotations(recording, publish, service.decideBy)
    publish(recording.keys)
    for (const audience of AUDIENCES) {
      found.push(...(await decideTokens(recording, service.decideBy({ audience }), audience)))
    }
    return found
  })
  await service.stop()
  return cases
}

type Service = Awaited<ReturnType<typeof serveIssuer>>

/** Keycloak decides about a token by its answer to the API. */
async function decideTokens(
  { asked, tokens }: Keycloak,
  decide: ReturnType<Service['decideBy']>,
  audience: readonly string[],
): Promise<Case[]> {
  const cases: Case[] = []
  for (const [name, token] of Object.entries(tokens)) {
    const answer = answerAbout(name, asked)
    if (answer === undefined) continue
    const recorded = answer.active === true ? `allowed ${answer.sub}` : 'rejected'
    const of = `${name}, for ${audience.join(' or ')}`
    cases.push({ of, recorded, ours: await decide(token) })
  }
  return cases
}

/** The first token of each new key: Keycloak signs with it at once. */
async function decideRotations(
  { tokens, asked, ...recording }: Keycloak,
  publish: (keys: object) => void,
  decideBy: Service['decideBy'],
): Promise<Case[]> {
  const alice = answerAbout('password', asked)?.sub
  const bob = answerAbout('RS256', asked)?.sub
  const decide = decideBy({ audience: 'my-api' })
  const rotations: readonly (readonly [string, object, string | undefined])[] = [
    ['password', recording.keysAtFirst, alice],
    ['ES256', recording.keys, bob],
    ['rotated', recording.keysRotated, alice],
    ['Ed448', recording.keysEd448, bob],
  ]
  const cases: Case[] = []
  for (const [name, keys, sub] of rotations) {
    publish(keys)
    const ours = await decide(tokens[name] ?? '')
    cases.push({ of: `the first token of a new key: ${name}`, recorded: `allowed ${sub}`, ours })
  }
  return cases
}

function answerAbout(name: string, asked: Keycloak['asked']): Answer | undefined {
  const answer = asked[`my-api ${name}`]
  return answer && (JSON.parse(answer.body) as Answer)
}
