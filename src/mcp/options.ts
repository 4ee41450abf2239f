import { canonicalPath } from '../core/request/target.ts'
import { parseServiceUrl } from '../core/config/service-url.ts'
import { parseOptions } from '../core/config/interpreter.ts'
import { invalidOption, misusedOption } from '../core/config/option-checks.ts'
import { SCOPES } from '../needs/need.ts'
import type { Table } from '../core/config/form.ts'
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

/** Without scopes there are none: a list of them must not be empty. */
type ScopeLists = Record<'scopes' | 'require', readonly string[] | undefined>

/** The options of a protected resource. */
export const RESOURCE: Table<Omit<Required<ResourceConfig>, keyof ScopeLists> & ScopeLists> = {
  identifier: {
    kind: 'code',
    is: 'resource',
    isText: true,
    isUrl: true,
    isRequired: true,
    read: parseIdentifier,
  },
  authorizationServers: {
    kind: 'list',
    isRequired: true,
    expected: 'a list of at least one issuer',
    items: { kind: 'code', is: 'issuer', isText: true, isUrl: true, read: parseIssuer },
  },
  scopes: SCOPES,
  require: SCOPES,
  name: { kind: 'text', default: '', pattern: /^/, expected: 'a string' },
  documentation: { kind: 'url', default: '', also: [''] },
}

/** @throws AuthConfigError with all problems. */
export function parseResource(options: unknown, path: OptionPath): Required<ResourceConfig> {
  const {
    scopes = [],
    require = [],
    ...rest
  } = parseOptions(RESOURCE, options, path, (parsed, _, problems) => {
    // A client that gets it would ask for access without its user, and no resource needs that.
    const name = (['scopes', 'require'] as const).find((one) =>
      parsed[one]?.includes('offline_access'),
    )
    if (name === undefined) return
    const expected = 'a list without "offline_access", which no resource needs'
    problems.add(misusedOption([...path, name], expected))
  })
  return Object.freeze({ ...rest, scopes, require })
}

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
  // Clients find the parameters of a challenge by patterns that would match inside another parameter too.
  if (/["\\]|(?:scope|error|resource_metadata)=/i.test(given)) {
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
