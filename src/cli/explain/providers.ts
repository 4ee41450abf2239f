import { readName } from '../../core/endpoint/claim-path.ts'
import { AuthUnavailableError } from '../../core/errors.ts'
import { isOwn } from '../../verifiers/first-of/member.ts'
import { describeJudgment, judgeKeyIn, judgmentToJson } from '../key-judgment.ts'
import { describeCall } from './answers.ts'
import { compareClaims } from './claims.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { KeyPlace } from '../../keys.ts'
import type { Answer } from './answers.ts'
import type { ClaimRow } from './claims.ts'
import type { Subject } from './subject.ts'
import type { Watched } from './watch.ts'

/** One way to check tokens, and what it said of this one. */
export interface ProviderTrace {
  /** Such as `server.auth.providers[0]`. */
  readonly key: string
  /** Such as `oauth2_token`. */
  readonly type: string
  readonly place: string | undefined
  readonly result: 'allowed' | 'denied' | 'no answer' | 'not asked'
  /** Why it denied, gave no answer, or was not asked. */
  readonly why?: string
  readonly claims?: readonly ClaimRow[]
  /** The stored record, if the token is an API key. */
  readonly apiKey?: { readonly says: string; readonly record: object }
  readonly asked: readonly Answer[]
}

/** The part of each provider in the decision about a token. */
export async function traceProviders(
  { watch, places, keys }: Subject,
  token: string,
  path: string,
): Promise<readonly ProviderTrace[]> {
  const all = watch.all().filter(({ verifier }) => verifier !== undefined)
  const ofKeys = all.filter((one) => typeOf(shownOf(one)) === 'api_keys')
  const traces: ProviderTrace[] = []
  for (const one of all) {
    const shown = shownOf(one)
    const claims = isJwt(shown) ? compareClaims(token, shown, detailOf(one)) : undefined
    const apiKey = await findKey(keys[ofKeys.indexOf(one)], token, path)
    traces.push({
      key: one.key,
      type: typeOf(shown),
      place: places.of(pathOf(one.key)),
      ...resultOf(one, all, token, claims),
      ...(claims && { claims }),
      ...(apiKey && { apiKey }),
      asked: one.calls.map((call) => describeCall(call)),
    })
  }
  return traces
}

/** The path of the options of a provider: `['providers', 0]` for `server.auth.providers[0]`. */
export function pathOf(key: string): OptionPath {
  const [, name, index] = /^server\.auth\.(\w+)(?:\[(\d+)\])?$/.exec(key) ?? []
  if (name === undefined) return []
  return index === undefined ? [name] : [name, Number(index)]
}

/** The options of a provider, as `with-auth config` prints them. */
export function shownOf({ verifier }: Watched): unknown {
  const described: unknown = verifier?.describe()
  return readName(described, 'provider_config') ?? described
}

// An endpoint of its own has no type in the file.
function typeOf(shown: unknown): string {
  const type = readName(shown, 'type')
  return typeof type === 'string' ? type : 'endpoint'
}

function isJwt(shown: unknown): boolean {
  return typeOf(shown) === 'oauth2_token' && readName(shown, 'introspection') === undefined
}

function detailOf({ verdict }: Watched) {
  return verdict?.outcome === 'allow' ? 'allow' : verdict?.detail
}

function resultOf(
  { isAsked, verdict, error, verifier }: Watched,
  all: readonly Watched[],
  token: string,
  claims: readonly ClaimRow[] | undefined,
): Pick<ProviderTrace, 'result' | 'why'> {
  if (verdict?.outcome === 'allow') return { result: 'allowed' }
  if (verdict !== undefined) {
    const { detail, explanation } = verdict
    const why = [detail, explanation].filter((one) => one !== undefined).join(': ')
    return { result: 'denied', ...(why !== '' && { why }) }
  }
  if (isAsked) {
    const why =
      error instanceof AuthUnavailableError ? (error.explanation ?? error.reason) : undefined
    return { result: 'no answer', why: why ?? 'its time was over' }
  }
  if (token !== '' && verifier !== undefined && !isOwn(verifier, token)) {
    const isElsewhere = claims?.some(({ claim, ok }) => claim === 'iss' && ok === false)
    const why =
      isElsewhere === true
        ? 'the token has another issuer'
        : 'the token does not look like one of its own'
    return { result: 'not asked', why }
  }
  const earlier = all.find((one) => one.isAsked)
  return {
    result: 'not asked',
    ...(earlier && { why: `${earlier.key} takes the token, and decides alone` }),
  }
}

async function findKey(
  place: KeyPlace | undefined,
  token: string,
  path: string,
): Promise<ProviderTrace['apiKey']> {
  if (place === undefined || token === '') return undefined
  try {
    const judgment = await judgeKeyIn(place, token, path)
    const { found } = judgment
    const id = found === undefined ? '' : `${found.id}: `
    return { says: id + describeJudgment(judgment), record: judgmentToJson(judgment) }
  } catch {
    // The provider has said why the keys cannot be read.
    return undefined
  }
}
