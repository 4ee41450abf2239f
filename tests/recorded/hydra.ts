import { serveIssuer } from './issuer.ts'
import { at, readRecording } from './recording.ts'
import type { Case } from './recording.ts'
import type { Others, Said, SignedByHydra } from './recordings.ts'

const AUDIENCE = 'https://api.example.com'
/** The recording began some seconds before its tokens. */
const LATER_MS = 10_000
const KEYS = '/.well-known/jwks.json'

/** Tokens that Hydra decided about, with its keys behind `jwt`. */
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
        const ours = await decide(tokens[name] ?? '')
        found.push({ of: `${name}, ${JSON.stringify(options)}`, recorded: decided(body), ours })
      }
    }
    return found
  })
  await service.stop()
  return cases
}

/** Hydra leaves it to the API to compare `aud` and `token_use`. */
function decided({ active, aud = [], token_use: use, sub }: Said): string {
  const isForHere = active && use === 'access_token' && aud.includes(AUDIENCE)
  return isForHere ? `allowed ${sub}` : 'rejected'
}

/** The first token of a new key: Hydra signs with it at once. */
async function decideRotation(
  { tokens, answers, documents }: SignedByHydra,
  { publish, decideBy }: Awaited<ReturnType<typeof serveIssuer>>,
): Promise<Case> {
  const token = tokens['user'] ?? ''
  const { kid } = JSON.parse(atob(token.split('.')[0] ?? '')) as { readonly kid: string }
  const rotated = JSON.parse(documents[KEYS]?.body ?? '') as { keys: readonly { kid: string }[] }
  const decide = decideBy({ audience: AUDIENCE })
  publish({ [KEYS]: { keys: rotated.keys.filter((key) => key.kid !== kid) } })
  await decide(tokens['id'] ?? '')
  publish({ [KEYS]: rotated })
  const recorded = `allowed ${answers['user']?.body.sub}`
  return { of: 'the first token of a new key', recorded, ours: await decide(token) }
}
