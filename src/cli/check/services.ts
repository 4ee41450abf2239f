import { readName } from '../../core/endpoint/claim-path.ts'
import { readTextFile } from '../../files/text-file.ts'
import { readUnverifiedPart } from '../../jwt/token-header.ts'
import { createRandomKey } from '../../verifiers/random-key.ts'
import { showFact } from '../explain/shown-fact.ts'
import { showUrl } from '../shown-value.ts'
import { ADVICE_ON_OPEN, askAbout, describeFailure, OPEN } from './ask.ts'
import { error, ok, warning } from './finding.ts'
import { checkIssuer, checkName } from './issuer.ts'
import type { CheckedProvider } from './ask.ts'
import type { Finding, Place } from './finding.ts'

type CheckProvider = (provider: CheckedProvider) => Promise<readonly Finding[]>

/** By the type of a provider. */
export const SERVICES: Readonly<Record<string, CheckProvider>> = {
  oauth2_token: (provider) =>
    provider.values['introspection'] === undefined
      ? checkIssuer(provider)
      : checkIntrospection(provider),
  kubernetes: checkCluster,
  github_token: (provider) =>
    checkDenial(
      provider,
      provider.at(),
      'GitHub answers, and denies a made-up token.',
      TOKEN_OF_USER,
    ),
}

/** Other tokens are not sent to GitHub. */
const TOKEN_OF_USER = 'gho_'

/** The answer to a made-up token must be a denial. */
async function checkDenial(
  { watched, timeoutMs }: CheckedProvider,
  place: Place,
  says: string,
  prefix = '',
  reword: () => Finding | undefined = () => undefined,
): Promise<readonly Finding[]> {
  const asked = await askAbout(prefix + createRandomKey(), watched, timeoutMs)
  if (asked.verdict?.outcome === 'allow') return [error(place, OPEN, ADVICE_ON_OPEN)]
  if (asked.verdict !== undefined) return [ok(place, says)]
  return [reword() ?? describeFailure(place, asked, watched, timeoutMs)]
}

const REJECTED: ReadonlySet<number> = new Set([400, 401, 403])

async function checkIntrospection(provider: CheckedProvider): Promise<readonly Finding[]> {
  const { at, watched } = provider
  const says = 'The introspection endpoint accepts this client, and denies a made-up token.'
  const found = await checkDenial(provider, at('introspection', 'url'), says, '', () => {
    const { url = '', status = 0 } = watched.calls.at(-1) ?? {}
    if (!REJECTED.has(status)) return undefined
    return error(
      at('introspection', 'clientId'),
      `${showUrl(url)} does not accept this client: it answered ${status}.`,
      'Correct "client_id" and "client_secret", or register the client. Some servers also want "send_secret_in_body".',
    )
  })
  const named = await checkName(provider)
  const isToldTwice = named.some(({ level }) => level === 'error')
  return isToldTwice ? named : [...named, ...found]
}

async function checkCluster(provider: CheckedProvider): Promise<readonly Finding[]> {
  const { at } = provider
  const says = 'The cluster lets this server ask, and denies a made-up token.'
  const found = await checkDenial(provider, at('apiServerUrl'), says)
  return [...found, ...checkAudience(provider)]
}

/** A token that the API server takes from this server has the audience of the API server itself. */
function checkAudience({ shown, at }: CheckedProvider): readonly Finding[] {
  const file = readName(shown, 'reviewer_token_file')
  const audiences = readName(shown, 'audiences')
  if (typeof file !== 'string' || !Array.isArray(audiences)) return []
  const own = audienceIn(file).filter((one) => audiences.includes(one))
  if (own.length === 0) return []
  const says = `${showFact(own)} is the audience of the API server itself: every pod has such a token, and it works here.`
  return [warning(at('audiences'), says, 'Set "audiences" to a name of this server alone.')]
}

const MOST_TOKEN = 65_536

function audienceIn(file: string): readonly unknown[] {
  try {
    const aud = readName(readUnverifiedPart(readTextFile(file, MOST_TOKEN).trim(), 'claims'), 'aud')
    return [aud].flat()
  } catch {
    // The provider has said why the file cannot be read.
    return []
  }
}
