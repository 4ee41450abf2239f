import { within } from '../core/async.ts'
import { parseServiceUrl } from '../core/config/endpoint.ts'
import { readName } from '../core/endpoint/claim-path.ts'
import { AuthUnavailableError } from '../core/errors.ts'
import { askService, quote } from '../verifiers/ask.ts'
import type { Transport } from '../core/verifier.ts'
import type { Clock } from '../core/runtime.ts'
import type { BodyUse } from '../verifiers/ask.ts'

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
    const { issuer, allowInsecureHttp } = this.#options
    const { url: metadataUrl, metadata } = await this.#fetchMetadata(signal)
    // RFC 8414 §3.3: the metadata of another issuer would name foreign keys.
    const named = readName(metadata, 'issuer')
    if (named !== issuer) {
      throw invalid(
        `the metadata of ${metadataUrl} names the issuer ${quote(named)}: check "issuer"`,
      )
    }
    const url = parseUrl(readName(metadata, 'jwks_uri'), allowInsecureHttp)
    this.#found = { url, at }
    return url
  }

  async #fetchMetadata(signal: AbortSignal): Promise<{ url: string; metadata: unknown }> {
    const { issuer, fetch } = this.#options
    const base = issuer.replace(/\/$/, '')
    const get = (url: string, expected?: typeof MAY_BE_ELSEWHERE): ReturnType<typeof askService> =>
      askService(fetch, url, {
        method: 'GET',
        headers: {},
        signal,
        ...(expected === undefined ? {} : { expected }),
      })
    const openidUrl = `${base}/.well-known/openid-configuration`
    const openid = await get(openidUrl, MAY_BE_ELSEWHERE)
    if (openid.status === 200) return { url: openidUrl, metadata: openid.json }
    // RFC 8414 §3.1: the well-known part comes before the path.
    const [, origin = '', path = ''] = /^(\w+:\/\/[^/]+)(.*)$/.exec(base) ?? []
    const url = `${origin}/.well-known/oauth-authorization-server${path}`
    return { url, metadata: (await get(url)).json }
  }
}

function parseUrl(value: unknown, allowInsecureHttp: boolean): string {
  try {
    if (typeof value === 'string') return parseServiceUrl(value, ['jwks_uri'], allowInsecureHttp)
  } catch {
    // The text is not a URL, or its scheme is insecure.
  }
  throw invalid(
    'the metadata of the issuer has no "jwks_uri" that can be used, such as an https URL',
  )
}

function invalid(explanation: string): AuthUnavailableError {
  return new AuthUnavailableError('invalid_response', { explanation })
}
