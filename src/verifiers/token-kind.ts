import { readName } from '../core/endpoint/claim-path.ts'

const NAMES = ['typ', 'token_use', 'token_type'] as const
// `typ` of Keycloak, `token_use` of Hydra and Cognito.
const OTHER_KINDS: ReadonlySet<unknown> = new Set([
  'refresh_token',
  'refresh',
  'offline',
  'id_token',
  'id',
  'logout',
])

/** Whether the claims say that a token is for another use, such as an ID token. Such a token gives no access. */
export function isOtherKind(claims: object): boolean {
  return NAMES.some((name) => [readName(claims, name)].flat().some(isOther))
}

function isOther(kind: unknown): boolean {
  return typeof kind === 'string' && OTHER_KINDS.has(kind.toLowerCase())
}
