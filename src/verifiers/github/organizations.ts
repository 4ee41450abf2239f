import { readName } from '../../core/endpoint/claim-path.ts'
import { deny, invalid } from './api.ts'
import type { ServiceAnswer } from '../ask.ts'
import type { AskGithub, Denial } from './api.ts'

const UNREADABLE: Denial = {
  outcome: 'deny',
  detail: 'missing_claim',
  cause: 'the token may not list all "organizations" of its user',
}
const PER_PAGE = 100
const MOST_PAGES = 10

/** The logins of all organizations. Throws `AuthUnavailableError` if they cannot be read in full. */
export async function readOrganizations(
  ask: AskGithub,
  token: string,
): Promise<readonly string[] | Denial> {
  // GitHub lists no organization for such a token, and none is not the same as unknown.
  if (token.startsWith('github_pat_')) return UNREADABLE
  const logins: string[] = []
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const answer = await ask({
      method: 'GET',
      path: `/user/orgs?per_page=${PER_PAGE}&page=${page}`,
      authorization: `Bearer ${token}`,
      expected: { 200: 'json', 401: 'ignore', 403: 'ignore' },
    })
    // The token has been revoked since the first question.
    if (answer.status === 401) return deny('unknown_token')
    if (answer.status === 403 || isPartial(answer)) return UNREADABLE
    const found = loginsOf(answer.json)
    logins.push(...found)
    if (found.length < PER_PAGE && !hasNext(answer)) return logins
  }
  throw invalid(`listed more than ${MOST_PAGES * PER_PAGE} organizations of a user`)
}

// Organizations with single sign-on are left out until the token is authorized for them.
function isPartial({ headers }: ServiceAnswer): boolean {
  return headers.get('x-github-sso')?.trim().toLowerCase().startsWith('partial-results') === true
}

function hasNext({ headers }: ServiceAnswer): boolean {
  return /;\s?rel="next"/.test(String(headers.get('link')))
}

function loginsOf(json: unknown): readonly string[] {
  if (!Array.isArray(json)) throw invalid('sent no list of organizations')
  return json.map((organization: unknown) => {
    const login = readName(organization, 'login')
    if (typeof login === 'string') return login
    throw invalid('listed an organization without "login"')
  })
}
