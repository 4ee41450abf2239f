import { readName } from '../../core/endpoint/claim-path.ts'
import { parseJson } from '../../core/endpoint/verdict.ts'
import { usableKeys } from '../../jwt/key-set.ts'
import { discoverUrl } from '../../verifiers/discovery.ts'
import { createRandomKey } from '../../verifiers/random-key.ts'
import { showFact } from '../explain/shown-fact.ts'
import { showUrl } from '../shown-value.ts'
import { askAbout, attempt, describeFailure } from './ask.ts'
import { error, ok, warning } from './finding.ts'
import type { Call } from '../explain/watch.ts'
import type { Finding } from './finding.ts'
import type { CheckedProvider } from './ask.ts'

// Keys may be there too, such as at `/.well-known/jwks.json`.
const METADATA = /\/\.well-known\/(?:openid-configuration|oauth-authorization-server)/
const OF_RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
// Others, such as Ed448, are for no algorithm here.
const OF_CURVES: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['P-256', ['ES256']],
  ['P-384', ['ES384']],
  ['P-521', ['ES512']],
  ['Ed25519', ['EdDSA', 'Ed25519']],
])

/** Fetches the keys of an issuer by the question about a token that it never signed. */
export async function checkIssuer(provider: CheckedProvider): Promise<readonly Finding[]> {
  const { watched, at, shown, timeoutMs } = provider
  const asked = await askAbout(madeUpToken(shown), watched, timeoutMs)
  const keys = watched.calls.find(({ text }) => keysIn(text) !== undefined)
  const place = provider.values['jwks'] === undefined ? at('issuer') : at('jwks', 'uri')
  // Told by the last call, and the next one is for the metadata.
  const failure = describeFailure(place, asked, watched, timeoutMs)
  const named = await checkName(provider)
  if (asked.verdict === undefined) {
    const isNamed = named.some(({ level }) => level === 'error')
    return isNamed ? named : [...named, failure]
  }
  return [...named, ...(keys === undefined ? [] : [judgeKeys(keys, provider)])]
}

/** A token for this server by its header, with a key that no issuer has. Its claims are looked at only after the signature. */
function madeUpToken(shown: unknown): string {
  const first = (name: string): unknown => {
    const value = readName(shown, name)
    return Array.isArray(value) ? value[0] : value
  }
  const header = { alg: first('algorithms'), kid: createRandomKey(), typ: first('types') ?? 'JWT' }
  return [JSON.stringify(header), '{}', createRandomKey()]
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')
}

function keysIn(text: string): readonly unknown[] | undefined {
  const keys = readName(parseJson(text), 'keys')
  return Array.isArray(keys) ? keys : undefined
}

function judgeKeys({ url, text }: Call, { shown, at, values }: CheckedProvider): Finding {
  const all = keysIn(text) ?? []
  const usable = usableKeys(all).filter((key) => algorithmsOf(key).length > 0)
  const unused = all.length - usable.length
  const count = usable.length === 1 ? '1 key' : `${usable.length} keys`
  const algorithms = new Set(usable.flatMap((key) => algorithmsOf(key)))
  const allowed = readName(shown, 'algorithms')
  const isAllowed = Array.isArray(allowed) && allowed.some((one) => algorithms.has(String(one)))
  const kinds = showFact([...new Set(usable.map((key) => nameOf(key)))])
  if (!isAllowed) {
    const says = `No key of ${showUrl(url)} is for an algorithm that "algorithms" allows: it has ${count} for ${kinds}, and the file allows ${showFact(allowed)}.`
    return error(at('algorithms'), says, 'Add an algorithm of the keys to "algorithms".')
  }
  const rest = unused === 0 ? '' : ` Left out: ${unused}.`
  const place = values['jwks'] === undefined ? at('issuer') : at('jwks', 'uri')
  return ok(place, `${showUrl(url)} has ${count} for signatures: ${kinds}.${rest}`)
}

function algorithmsOf(key: object): readonly string[] {
  const [alg, kty, crv] = ['alg', 'kty', 'crv'].map((name) => readName(key, name))
  const possible = kty === 'RSA' ? OF_RSA : (OF_CURVES.get(crv) ?? [])
  return typeof alg === 'string' && possible.length > 0 ? [alg] : possible
}

/** The algorithm of a key. Without one an RSA key is for several. */
function nameOf(key: object): string {
  const [alg, kty] = ['alg', 'kty'].map((name) => readName(key, name))
  return typeof alg === 'string' ? alg : kty === 'RSA' ? 'RSA' : String(algorithmsOf(key)[0])
}

/** Compares the issuer of the file with the name in its metadata, which are fetched if the provider did not. */
export async function checkName(provider: CheckedProvider): Promise<readonly Finding[]> {
  const { shown, at, watched, timeoutMs, transport } = provider
  const issuer = readName(shown, 'issuer')
  if (typeof issuer !== 'string' || !/^https?:\/\//i.test(issuer)) return []
  const isDiscovered = watched.calls.some(({ url }) => METADATA.test(url))
  const options = { issuer, allowInsecureHttp: true, fetch: transport }
  const found = isDiscovered
    ? undefined
    : await attempt(timeoutMs, async (signal) => ({
        url: await discoverUrl(options, 'jwks_uri', signal),
      }))
  const [metadata] = watched.calls.filter(({ url }) => METADATA.test(url)).slice(-1)
  const named = metadata && readName(parseJson(metadata.text), 'issuer')
  if (named === undefined) {
    // The failure of what asked before is told anyway.
    const says = `Whether tokens name this issuer is not known: its metadata cannot be read here.`
    return found === undefined ? [] : [warning(at('issuer'), says)]
  }
  if (named === issuer) return [ok(at('issuer'), `The issuer says that this is its name.`)]
  const says = `The issuer calls itself ${showFact(named)}, and the file calls it ${showFact(issuer)}: every token is denied.`
  return [error(at('issuer'), says, adviceOnName(named, issuer))]
}

function adviceOnName(named: unknown, issuer: string): string {
  const isSlash = named === `${issuer}/` || `${String(named)}/` === issuer
  return isSlash
    ? `Write the name ${issuer.endsWith('/') ? 'without' : 'with'} the slash at its end.`
    : 'Set "issuer" to the text that the issuer gives, if it is yours.'
}
