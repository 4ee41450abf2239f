import type { Case } from './recording.ts'

/** A way in which with-auth decides differently on purpose, and why. */
export interface Decided {
  readonly reason: string
  readonly covers: (difference: Case) => boolean
  /** Some runtimes do not need it. */
  readonly onSome?: true
}

const EMPTY = /"principal":""/
const SCHEME = /authorization: "?bearer /i

export const EXCHANGE: readonly Decided[] = [
  {
    reason: 'The name of the scheme is read without case (RFC 9110 §11.1).',
    covers: ({ of, recorded, ours }) =>
      recorded === 'rejected' &&
      SCHEME.test(of) &&
      !/authorization: "?Bearer /.test(of) &&
      ours === 'allowed',
  },
  {
    reason: 'A token is visible ASCII without a comma, and has at most 8,192 characters.',
    covers: ({ of, recorded, ours }) =>
      recorded === 'allowed' &&
      ours === 'rejected' &&
      /^decision, (?:authorization|token|mixed)/.test(of),
  },
  {
    reason: 'Several `Authorization` fields are rejected. There the last one counts.',
    covers: ({ of, ours }) => ours === 'rejected' && of.startsWith('decision, two fields'),
  },
  {
    reason: 'Blanks before a token do not belong to it.',
    covers: ({ of }) => of.startsWith('token, authorization: "Bearer   '),
  },
  {
    reason: 'A public path is compared as it was sent, without decoding.',
    covers: ({ of, recorded, ours }) =>
      recorded === 'open' && ours === 'rejected' && of.includes('%'),
  },
  {
    reason:
      'A public path is open to HEAD as well, whatever token comes with it, once `.` and `..` are resolved, and behind a host.',
    covers: ({ of, ours }) =>
      ours === 'open' && /: (?:HEAD|GET (?:http:|\S*\/(?:\.|%2e)))/.test(of),
  },
  {
    reason:
      'A target with a fragment, a backslash, an encoded `..` or without its slash is 400, and so is a method that is none of HTTP.',
    covers: ({ of, ours }) => ours === 'rejected' && /^decision, (?:path|query|method)/.test(of),
  },
  {
    reason:
      'The endpoint is told the path as it was sent, with `.` and `..` resolved. There it is decoded.',
    covers: ({ of }) => of.startsWith('path, '),
  },
  {
    reason: 'A parameter without a value is told as an empty one. There it is left out.',
    covers: ({ of, recorded, ours }) =>
      of.startsWith('params, ') && withoutEmpty(ours) === recorded,
  },
  {
    reason: 'Repeated headers are told as one, joined by commas. There the last one counts.',
    covers: ({ of, ours }) => of.startsWith('headers, ') && ours.includes(', '),
  },
  {
    reason: '`Cookie` and `Proxy-Authorization` are not told.',
    covers: ({ of, recorded }) =>
      of.startsWith('headers, ') && /"cookie"|"proxy-authorization"/.test(recorded),
  },
  {
    reason:
      'A header is told as Fetch reads it, a character for each byte. There it is read as UTF-8, and rejected if it is none.',
    covers: ({ of }) => /X-Latin|X-High|X-Utf8|X-U: /.test(of),
  },
  {
    reason: 'The server decides about a second `Host`: Deno rejects it, as the real one does.',
    covers: ({ of }) => of.includes('headers: Host: other.test'),
    onSome: true,
  },
  {
    reason: 'An empty principal is none.',
    covers: ({ of, ours }) => EMPTY.test(of) && ours === 'rejected',
  },
  {
    reason:
      'An attribute that is a text counts as a list of one, and members of the body that are not known are not read.',
    covers: ({ of, ours }) =>
      /"roles":""|"teams":"b"|"message":\{\}/.test(of) && ours === 'allowed',
  },
  {
    reason: 'The body is JSON in UTF-8, of at most 64 KiB.',
    covers: ({ of, ours }) => ours === 'rejected' && /Infinity|"pad"|UTF-32/.test(of),
  },
  {
    reason: 'An answer with a folded header (RFC 9112 §5.2) is an outage, but on Node 20 and 22.',
    covers: ({ of, ours }) =>
      ours === 'rejected' && of === 'decision, answer bytes: a folded header',
    onSome: true,
  },
  {
    reason: 'Bun takes a target that is not ASCII, and encodes it for endpoint and handler alike.',
    covers: ({ of, ours }) => ours === 'allowed' && /^decision, (?:path|query): [!-~]*é$/.test(of),
    onSome: true,
  },
  {
    reason: 'Bun answers 400 to a request with a trailer.',
    covers: ({ of, ours }) => ours === 'rejected' && /^decision, body: .*Trailer/.test(of),
    onSome: true,
  },
]

export const ENDPOINT: readonly Decided[] = [
  {
    reason:
      'The endpoint is told the path as it was sent, with `.` and `..` resolved. There it is decoded.',
    covers: ({ of }) => /^wrapped: dave GET \/v1(?:%2f|\/\.\/)files$/.test(of),
  },
  {
    reason: 'Blanks before a token do not belong to it.',
    covers: ({ of }) => of === 'wrapped: alice GET /v1/models Authorization: Bearer  <KEY>',
  },
]

export const SECTIONS: readonly Decided[] = [
  {
    reason: 'A file without authentication is an error. There the server is open to all.',
    covers: ({ recorded, ours }) => recorded === 'open' && ours === 'refused',
  },
  {
    reason: 'Keys of older versions are read, also where the server ignores them.',
    covers: ({ of, ours }) => /^(?:the form of April 2025|jwks_uri): /.test(of) && isRead(ours),
  },
  {
    reason: 'A key that is not known, or that belongs to another `type`, is an error.',
    covers: refused(
      /^(?:an unknown key|(?:verify_tls|jwks) of custom|endpoint of oauth2_token|type: github_token)/,
    ),
  },
  {
    reason: 'An `access_policy` is an error, unless the upstream enforces it.',
    covers: refused(/^an empty access_policy: /),
  },
  {
    reason: 'Plain http to another machine is an error without `allow_insecure_http`.',
    covers: refused(/^endpoint: http:\/\/auth/),
  },
  {
    reason:
      'An address is absolute, and has no blank, backslash or fragment. It has no query where a path is added.',
    covers: refused(
      /^(?:endpoint|jwks\.uri|github_api_base_url|api_server_url|introspection \{"url"|a home|\$X)/,
    ),
  },
  {
    reason: 'A text is not empty, and a secret has no line break.',
    covers: refused(
      /^(?:audience|tls_cafile): "":|^claims_mapping.*""|^introspection.*"\\"\\""|^jwks\.token: "a\\nb"/,
    ),
  },
  {
    reason: '`${` is an error where it begins no reference. There it stays as it is.',
    covers: refused(/^\$\{|^a lower-case name/),
  },
  {
    reason: 'Certificates are always checked, and a boolean is `true` or `false`.',
    covers: refused(/^verify_tls: .* of kubernetes|^send_secret_in_body|"send_secret_in_body"/),
  },
  {
    reason: '`key_recheck_period` is a whole number from 60 to 86,400, and `1e3` is one.',
    covers: ({ of }) => /^key_recheck_period: (?:0|1|86401|1e3): /.test(of),
  },
  {
    reason: 'A number or a boolean where a text belongs is that text, also from the environment.',
    covers: read(
      /^(?:jwks\.token|audience|issuer): true|^claims_mapping: \{ sub: 1|123456|^an audience from the environment/,
    ),
  },
  {
    reason: 'A key without a value counts as left out.',
    covers: read(/: null(?: of kubernetes)?: |"null"/),
  },
  {
    reason: '`audience` may be a list, and `discovery: true` finds the keys.',
    covers: read(/^(?:audience: \[a, b\]|discovery): /),
  },
  {
    reason: 'Of `server` only `auth` and `tenancy` are read.',
    covers: read(/^a port of 80: /),
  },
]

export const POLICIES: readonly Decided[] = [
  {
    reason: 'An empty principal is none.',
    covers: ({ of, ours }) => EMPTY.test(of) && ours === '401',
  },
  {
    reason:
      'An attribute that is a text counts as a list of one, and members of the body that are not known are not read.',
    covers: ({ of, recorded }) => of.includes('"roles":"admin"') && recorded === '401',
  },
  {
    reason:
      'A target with a fragment, a backslash, an encoded `..` or without its slash is 400, and so is a method that is none of HTTP.',
    covers: ({ ours }) => ours === '400',
  },
  {
    reason: 'A forbid ignores case, and a path that begins with `//` is never permitted.',
    covers: ({ of, recorded, ours }) =>
      recorded === '200' && ours === '403' && /^[A-Z]+ (?:\/\/|\/\S*[A-Z])/.test(of),
  },
  {
    reason: 'Where OGX is open in doubt, a policy forbids.',
    covers: ({ recorded, ours }) => recorded === '200' && ours === '403',
  },
  {
    reason:
      'A rule that OGX reads and that never applies, or that could take a long time, is an error.',
    covers: ({ recorded, ours }) => recorded === 'read' && ours === 'refused',
  },
]

export const INTROSPECTION: readonly Decided[] = [
  {
    reason: 'A token that is bound to a key of its holder is not a Bearer token: it may be stolen.',
    covers: ({ of, ours }) => of === 'Keycloak: my-api dpop' && ours === 'denied',
  },
]

export const KUBERNETES: readonly Decided[] = [
  {
    reason:
      'Why a token was denied is read from the token, and an old token of a secret names no audience.',
    covers: ({ of, ours }) => of.startsWith('an old token of') && ours === 'denied: unknown_token',
  },
]

export const KEYCLOAK: readonly Decided[] = [
  {
    reason: 'A JSON Web Token cannot be revoked: it works until it ends.',
    covers: ({ of, recorded }) => /^(?:leaving|revoked),/.test(of) && recorded === 'rejected',
  },
  {
    reason:
      'A lightweight token names neither its audience nor its user: `introspection` is for it.',
    covers: ({ of, ours }) => of.startsWith('light,') && ours === 'rejected',
  },
  {
    reason: 'A token is visible ASCII without a comma, and has at most 8,192 characters.',
    covers: ({ of, ours }) => of.startsWith('large,') && ours === 'rejected',
  },
  {
    reason: 'A token that is bound to a key of its holder is not a Bearer token: it may be stolen.',
    covers: ({ of, ours }) => of.startsWith('dpop,') && ours === 'rejected',
  },
  {
    reason: 'A token with a shared secret cannot be checked by public keys.',
    covers: ({ of, ours }) => of.startsWith('HS512,') && ours === 'rejected',
  },
  {
    reason: 'No runtime can be relied on for Ed448.',
    covers: ({ of, ours }) => of.endsWith(': Ed448') && ours === 'rejected',
  },
]

export const PROVIDERS: readonly Decided[] = [
  {
    reason: 'A key is used for its own algorithm, and an RSA key has at least 2,048 bits.',
    covers: rejected(/^jwt: (?:PS256 by a key for RS256|a key of 1024 bits)$/),
  },
  {
    reason: 'A token with a shared secret cannot be checked by public keys.',
    covers: rejected(/ the token of its own tests$/),
  },
  {
    reason: 'The `typ` of a token is `JWT`, `at+jwt` or absent, and no extension is understood.',
    covers: rejected(/^jwt: (?:typ (?:dpop\+jwt|1)|crit of b64)$/),
  },
  {
    reason: 'A token for another use, or one that is bound to a key, gives no access.',
    covers: rejected(/: (?:token_type of an id token|a refresh token|cnf)$/),
  },
  {
    reason: 'A token ends, its times are numbers, and its text is UTF-8 without a mark.',
    covers: rejected(/^jwt: (?:exp as text|exp absent|a payload with a mark)$/),
  },
  {
    reason: 'The answer of the introspection endpoint is read strictly, and its times count.',
    covers: rejected(/^introspection: (?:active (?:"false"|1)|expired|not yet)$/),
  },
  {
    reason: 'An empty principal is none, and nor is `system:anonymous`.',
    covers: rejected(/: (?:sub ""|anonymous)$/),
  },
  {
    reason: 'The audience is "ogx" by default, which a warning says.',
    covers: ({ of, ours }) =>
      of === 'jwt without more: for ogx' ? isMyUser(ours) : of === 'jwt without more: no issuer',
  },
  {
    reason: '`iat` counts with `maxTokenAgeSeconds`, and `jti` never: RFC 7519 §4.1.6 and §4.1.7.',
    covers: ({ of, ours }) => /^jwt: (?:iat in an hour|jti as number)$/.test(of) && isMyUser(ours),
  },
  {
    reason: 'A list that holds something else than texts gives no attribute, and so no right.',
    covers: ({ of, ours }) =>
      /^jwt: groups (?:with numbers|of objects)$/.test(of) && isMyUser(ours),
  },
  {
    reason: 'Only `scope` and `scp` are split at blanks: a user may choose a name with one.',
    covers: ({ of, recorded, ours }) =>
      /: (?:sub "|groups (?:as|empty) text|a login with a blank)/.test(of) &&
      principalOf(recorded) === principalOf(ours),
  },
  {
    reason: 'A path that leads to `null` leads somewhere.',
    covers: ({ of, ours }) =>
      of.endsWith(': a nested null beside a name with dots') && !ours.includes('literal'),
  },
  {
    reason: 'Without a `sub` the `username` names the caller. There only an empty `sub` does that.',
    covers: ({ of }) => of === 'introspection: body {"active":true,"username":"al"}',
  },
  {
    reason: 'Organizations are read, as OGX does. A token that cannot read them is rejected.',
    covers: ({ of, recorded, ours }) =>
      of.startsWith('github: ') &&
      (ours === 'rejected' || recorded.replace('"teams":[]', '"teams":["acme"]') === ours),
  },
]

function rejected(name: RegExp): Decided['covers'] {
  return ({ of, ours }) => name.test(of) && ours === 'rejected'
}

function refused(name: RegExp): Decided['covers'] {
  return ({ of, recorded, ours }) => name.test(of) && isRead(recorded) && ours === 'refused'
}

function read(name: RegExp): Decided['covers'] {
  return ({ of, recorded, ours }) => name.test(of) && recorded === 'refused' && isRead(ours)
}

function isRead(section: string): boolean {
  return section.startsWith('read')
}

function isMyUser(ours: string): boolean {
  return ours === '{"principal":"my-user","attributes":{"roles":["my-user"]}}'
}

function principalOf(identity: string): unknown {
  return identity === 'rejected' ? identity : Reflect.get(JSON.parse(identity), 'principal')
}

function withoutEmpty(params: string): string {
  const entries = Object.entries(JSON.parse(params) as Record<string, string[]>)
  const kept = entries.map(
    ([name, values]) => [name, values.filter((value) => value !== '')] as const,
  )
  return JSON.stringify(Object.fromEntries(kept.filter(([, values]) => values.length > 0)))
}
