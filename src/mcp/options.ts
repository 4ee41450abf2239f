import { canonicalPath } from '../core/request/target.ts'
import { parseServiceUrl } from '../core/config/endpoint.ts'
import { group, parseList } from '../core/config/kinds.ts'
import { fitsChallenge, invalidOption, misusedOption } from '../core/config/option-checks.ts'
import { scopeList } from '../needs/need.ts'
import type { Kind, Rule } from '../core/config/kinds.ts'
import type { OptionPath } from '../core/config/problems.ts'

/** This server as an OAuth 2.0 protected resource (RFC 9728), so that clients find where to log in. */
export interface ResourceConfig {
  /** The URL of the resource, as clients know it: https, or http on a loopback address, and an origin with its slash. The guard
   * answers its well-known path with the metadata, before it asks for a token. */
  readonly identifier: string
  /** The issuers of the authorization servers whose tokens are accepted. */
  readonly authorizationServers: readonly string[]
  /** Scopes that clients may ask for, beside those of `require`.
   * @default [] */
  readonly scopes?: readonly string[]
  /** Scopes that every request needs. Challenges list them, and a token without them gets 403 `insufficient_scope`.
   * @default [] */
  readonly require?: readonly string[]
  /** The name of the resource, for people. */
  readonly name?: string
  /** The URL of its documentation, for developers. */
  readonly documentation?: string
}

const identifier: Kind<string> = {
  form: { kind: 'resource', scalar: 'string', isUrl: true },
  parse: parseIdentifier,
}

const issuer: Kind<readonly string[]> = {
  form: { kind: 'issuers', items: { kind: 'issuer', scalar: 'string', isUrl: true } },
  parse: (value, path) => {
    if (!Array.isArray(value) || value.length === 0) {
      throw invalidOption(path, value, 'a list of at least one issuer')
    }
    return parseList(value, path, parseIssuer)
  },
}

const text: Kind<string> = {
  form: { kind: 'anyText', scalar: 'string' },
  parse: (value = '', path) => {
    if (typeof value === 'string') return value
    throw invalidOption(path, value, 'a string')
  },
}

const documentation: Kind<string> = {
  form: { kind: 'url', scalar: 'string', isUrl: true },
  parse: (value = '', path) => (value === '' ? '' : parseServiceUrl(value, path, true)),
}

/** The options of a protected resource. */
export const RESOURCE: Kind<ResourceConfig, Required<ResourceConfig>> = group<ResourceConfig>(
  {
    identifier,
    authorizationServers: issuer,
    scopes: scopeList,
    require: scopeList,
    name: text,
    documentation,
  },
  rejectOffline,
)

function parseIdentifier(value: unknown, path: OptionPath): string {
  const given = parseServiceUrl(value, path, false)
  const { href, pathname } = new URL(given)
  if (canonicalPath(pathname) === undefined) {
    throw invalidOption(path, value, 'a URL whose path can be read in one way')
  }
  // An origin too has its slash: clients add it, and compare the metadata with what they then have.
  if (given !== href) {
    throw invalidOption(path, value, 'written as clients compare it', { didYouMean: href })
  }
  if (/["\\]/.test(given) || !fitsChallenge(given)) {
    throw invalidOption(
      path,
      value,
      'a URL without quotes, "scope=", "error=" and "resource_metadata="',
    )
  }
  return given
}

function parseIssuer(value: unknown, path: OptionPath): string {
  const given = parseServiceUrl(value, path, false)
  if (!given.includes('?')) return given
  throw invalidOption(path, value, 'an issuer, which has no query')
}

// A client that gets it would ask for access without its user, and no resource needs that.
function rejectOffline(
  ...[options, , path]: Parameters<Rule<ResourceConfig>>
): Partial<ResourceConfig> {
  const name = (['scopes', 'require'] as const).find((one) =>
    options[one]?.includes('offline_access'),
  )
  if (name === undefined) return options
  throw misusedOption([...path, name], 'a list without "offline_access", which no resource needs')
}
