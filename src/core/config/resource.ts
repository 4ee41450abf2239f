import { canonicalPath } from '../request/target.ts'
import { parseServiceUrl } from './endpoint.ts'
import { group, orFalse, parseList } from './kinds.ts'
import { invalidOption, misusedOption } from './option-checks.ts'
import { fitsChallenge, scopeList } from './need.ts'
import type { ResourceConfig } from '../auth-config.ts'
import type { Kind, Rule } from './kinds.ts'
import type { OptionPath } from './problems.ts'

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

/** A protected resource (RFC 9728). */
export const resource: Kind<false | ResourceConfig, false | Required<ResourceConfig>> = orFalse(
  group<ResourceConfig>(
    {
      identifier,
      authorizationServers: issuer,
      scopes: scopeList,
      require: scopeList,
      name: text,
      documentation,
    },
    rejectOffline,
  ),
  false,
)

function parseIdentifier(value: unknown, path: OptionPath): string {
  const given = parseServiceUrl(value, path, false)
  const { href, pathname } = new URL(given)
  if (canonicalPath(pathname) === undefined) {
    throw invalidOption(path, value, 'a URL whose path can be read in one way')
  }
  if (given !== href && `${given}/` !== href) {
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
