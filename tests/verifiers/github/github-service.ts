import { githubToken } from '../../../src/verifiers.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { startService } from '../../support/verifier-service.ts'
import type { GithubTokenOptions } from '../../../src/verifiers.ts'
import type { Answer, ServiceCall } from '../../support/verifier-service.ts'

export const PERSONAL = `ghp_${'a1B2'.repeat(9)}`
export const USER = {
  login: 'octocat',
  id: 583_231,
  type: 'User',
  name: 'admin',
  suspended_at: null,
}

export type Said = ReturnType<Answer>

/** An API that answers `/user`, the check of an app's token, and `/user/orgs` page by page. */
export async function startGithub(
  user: Said = { json: USER },
  organizations: (page: number, call: ServiceCall) => Said = () => ({ json: [] }),
) {
  const service = await startService((call) => {
    const { pathname, searchParams } = new URL(call.url ?? '', 'http://h')
    if (!pathname.endsWith('/user/orgs')) return user
    return organizations(Number(searchParams.get('page')), call)
  })
  const baseUrl = `http://127.0.0.1:${service.port}`
  return { ...service, baseUrl, paths: () => service.calls.map(({ url }) => url) }
}

type Github = Awaited<ReturnType<typeof startGithub>>

/** A guard with `githubToken` over this API. */
export function guardBy({ baseUrl }: Github, given: Partial<GithubTokenOptions> = {}) {
  return guardWith(githubToken({ allow: 'personal', baseUrl, ...given }))
}

/** As the API lists them. */
export function organizationsOf(count: number, from = 0): readonly object[] {
  return Array.from({ length: count }, (_, index) => ({ login: `org-${from + index}` }))
}
