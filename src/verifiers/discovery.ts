import { within } from '../core/async.ts'
import { parseServiceUrl } from '../core/config/service-url.ts'
import { readName } from '../core/endpoint/claim-path.ts'
import { AuthUnavailableError } from '../core/errors.ts'
import { invalidOption } from '../core/config/option-checks.ts'
import { askService, quote } from './ask.ts'
import type { Transport } from '../core/verifier.ts'
import type { Clock } from '../core/runtime.ts'
import type { BodyUse } from './ask.ts'

export interface DiscoveryOptions {
  readonly issuer: string
  readonly allowInsecureHttp: boolean
  readonly fetch: Transport
  /** The time of a try, which the metadata and the keys share. */
  readonly timeoutMs: number
}

const HOUR_MS = 3_600_000
const MAY_BE_ELSEWHERE: Readonly<Record<number, BodyUse>> = { 200: 'json', 404: 'ignore' }

/** Finds the URL of the keys in the metadata of the issuer, and looks again after an hour. */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #now: Clock['now']
  #found: { readonly url: string; readonly at: number } | undefined

  constructor(options: DiscoveryOptions, now: Clock['now']) {
    this.#options = options
    this.#now = now
  }

  /** Throws `AuthUnavailableError` if it has never found the URL, and cannot find it now. */
  async keysUrl(signal: AbortSignal): Promise<string> {
    const found = this.#found
    if (found === undefined) return this.#discover(signal)
    if (this.#now() - found.at < HOUR_MS) return found.url
    try {
      // The other half of the time is for the keys, whose old URL is good as long as there is no other.
      return (await within(this.#options.timeoutMs / 2, this.#discover(signal))) ?? found.url
    } catch {
      return found.url
    }
  }

  async #discover(signal: AbortSignal): Promise<string> {
    const at = this.#now()
    const url = await discoverUrl(this.#options, 'jwks_uri', signal)
    this.#found = { url, at }
    return url
  }
}

/** Finds a URL in the metadata of an issuer. Throws `AuthUnavailableError` without one that can be used. */
export async function discoverUrl(
  options: Omit<DiscoveryOptions, 'timeoutMs'>,
  member: 'jwks_uri' | 'introspection_endpoint',
  signal: AbortSignal,
): Promise<string> {
  const { issuer, allowInsecureHttp } = options
  const { url: metadataUrl, metadata } = await fetchMetadata(options, signal)
  // RFC 8414 §3.3: the metadata of another issuer would name foreign keys, or get our tokens.
  const named = readName(metadata, 'issuer')
  if (named !== issuer) {
    throw invalid(`the metadata of ${metadataUrl} names the issuer ${quote(named)}: check "issuer"`)
  }
  return parseUrl(readName(metadata, member), member, allowInsecureHttp)
}

async function fetchMetadata(
  { issuer, fetch }: Pick<DiscoveryOptions, 'issuer' | 'fetch'>,
  signal: AbortSignal,
): Promise<{ url: string; metadata: unknown }> {
  const base = issuer.replace(/\/$/, '')
  const get = (url: string, expected?: typeof MAY_BE_ELSEWHERE): ReturnType<typeof askService> =>
    askService(fetch, url, { method: 'GET', headers: {}, signal, expected })
  const openidUrl = `${base}/.well-known/openid-configuration`
  const openid = await get(openidUrl, MAY_BE_ELSEWHERE)
  if (openid.status === 200) return { url: openidUrl, metadata: openid.json }
  // RFC 8414 §3.1: the well-known part comes before the path.
  const url = base.replace(/:\/\/[^/]+/, '$&/.well-known/oauth-authorization-server')
  return { url, metadata: (await get(url)).json }
}

function parseUrl(value: unknown, member: string, allowInsecureHttp: boolean): string {
  try {
    return parseServiceUrl(value, [member], allowInsecureHttp)
  } catch {
    // The value is not a URL, or its scheme is insecure.
    throw invalid(
      `the metadata of the issuer has no "${member}" that can be used, such as an https URL`,
    )
  }
}

function invalid(explanation: string): AuthUnavailableError {
  return new AuthUnavailableError('invalid_response', { explanation })
}

/**
 * Throws for an issuer whose metadata cannot be found. RFC 8414 §2: it is an https URL without query and fragment.
 *
 * @param hint What to give in its place.
 */
export function requireDiscoverable(
  issuer: string,
  allowInsecureHttp: boolean,
  hint: string,
): void {
  if (!/^https?:/i.test(issuer) || issuer.includes('?')) {
    throw invalidOption(['issuer'], issuer, 'an https URL to start discovery', { hint })
  }
  parseServiceUrl(issuer, ['issuer'], allowInsecureHttp)
}
