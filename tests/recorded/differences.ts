import type { Case } from './recording.ts'

/** A way in which with-auth decides differently on purpose. `docs/security/guarantees.md` has the reasons. */
export interface Decided {
  readonly reason: string
  readonly covers: (difference: Case) => boolean
}

const EMPTY = /"principal":""/
const SCHEME = /authorization: "?bearer /i

export const EXCHANGE: readonly Decided[] = [
  {
    reason: 'The name of the scheme is read without case (RFC 9110 §11.1).',
    covers: ({ of, ours }) =>
      SCHEME.test(of) && !/authorization: "?Bearer /.test(of) && ours === 'allowed',
  },
  {
    reason: 'A token has the characters of RFC 6750 and at most 8,192 of them.',
    covers: ({ of, ours }) =>
      ours === 'rejected' && /^decision, (?:authorization|token|mixed)/.test(of),
  },
  {
    reason: 'Several `Authorization` fields are rejected. There the last one counts.',
    covers: ({ of, ours }) => ours === 'rejected' && of.startsWith('decision, two fields'),
  },
  {
    reason: 'Blanks before a token are no part of it.',
    covers: ({ of }) => of.startsWith('token, authorization: "Bearer   '),
  },
  {
    reason: 'A public path is compared as it was sent, without decoding.',
    covers: ({ recorded, ours }) => recorded === 'open' && ours === 'rejected',
  },
  {
    reason:
      'A public path is open to HEAD as well, whatever token comes with it, and once `.` and `..` are resolved.',
    covers: ({ ours }) => ours === 'open',
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
    reason: 'The server decides about a second `Host`.',
    covers: ({ of }) => of.includes('headers: Host: other.test'),
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
    reason: 'Where OGX is open in doubt, a policy forbids.',
    covers: ({ recorded, ours }) => recorded === '200' && ours === '403',
  },
  {
    reason:
      'A rule that OGX reads and that never applies, or that could take a long time, is an error.',
    covers: ({ recorded, ours }) => recorded === 'read' && ours === 'refused',
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
    reason: 'A token has at most 8,192 characters.',
    covers: ({ of, ours }) => of.startsWith('large,') && ours === 'rejected',
  },
  {
    reason: 'A token that is bound to a key of its holder is no Bearer token.',
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

function withoutEmpty(params: string): string {
  const entries = Object.entries(JSON.parse(params) as Record<string, string[]>)
  const kept = entries.map(
    ([name, values]) => [name, values.filter((value) => value !== '')] as const,
  )
  return JSON.stringify(Object.fromEntries(kept.filter(([, values]) => values.length > 0)))
}
