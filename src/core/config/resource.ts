import { canonicalPath } from '../request/target.ts'
import { parseServiceUrl } from './endpoint.ts'
import { group, orFalse, parseList } from './kinds.ts'
import { invalidOption, misusedOption } from './option-checks.ts'
import { fitsChallenge, scopeList } from './need.ts'
import type { ResourceConfig } from '../auth-config.ts'
import type { Verifier } from '../verifier.ts'
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

/** The warning about an `audience` that lacks the slash of the identifier: tokens for the identifier would be denied. */
export function warnOfAudience(
  guarded: false | Pick<ResourceConfig, 'identifier'>,
  verifier: Verifier | undefined,
): readonly string[] {
  if (guarded === false) return []
  const { href, origin } = new URL(guarded.identifier)
  if (href !== `${origin}/`) return []
  const isWrong = describedAudiences(verifier).some(
    (audience) => audience.includes(origin) && !audience.includes(href),
  )
  return isWrong
    ? [
        `"audience" has "${origin}", but clients get tokens for "resource.identifier", which is "${href}": add it to "audience"`,
      ]
    : []
}

function describedAudiences(verifier: Verifier | undefined): readonly (readonly unknown[])[] {
  try {
    return audiencesIn(verifier?.describe?.())
  } catch {
    return []
  }
}

/** What a verifier says about its audience and those of its members, be it made by code or by a file. */
function audiencesIn(described: unknown, depth = 0): readonly (readonly unknown[])[] {
  if (typeof described !== 'object' || described === null || depth > 3) return []
  return Object.entries(described).flatMap(([name, value]) =>
    name === 'audience' ? [[value].flat()] : audiencesIn(value, depth + 1),
  )
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
