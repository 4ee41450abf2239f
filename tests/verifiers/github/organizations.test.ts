import { describe, expect, it } from 'vitest'
import { guardBy, organizationsOf, PERSONAL, startGithub } from './github-service.ts'
import type { Said } from './github-service.ts'

describe('the organizations', () => {
  const given = { attributes: { organizations: 'teams' } }
  const FULL = { json: organizationsOf(100) }
  const LIMITED = { status: 403, json: { message: 'API rate limit exceeded' } }
  const SSO = { 'x-github-sso': ' Partial-Results; organizations=1,2' }

  it('are read from all pages, of 100 and 1', async () => {
    const github = await startGithub(undefined, (page) => ({
      json: page === 1 ? organizationsOf(100) : organizationsOf(1, 100),
    }))
    const { auth } = await guardBy(github, given).ask(PERSONAL)
    expect(auth?.attributes['teams']).toHaveLength(101)
    expect(github.paths()).toEqual([
      '/user',
      '/user/orgs?per_page=100&page=1',
      '/user/orgs?per_page=100&page=2',
    ])
  })

  it('are read from all pages of a server with shorter pages, and no other link is followed', async () => {
    const links = ['<http://127.0.0.1:1/evil>; rel="next", <x>; rel="last"', '<x>;rel="next"']
    const github = await startGithub(undefined, (page) => ({
      json: organizationsOf(1, page),
      headers: { link: links[page - 1] ?? '' },
    }))
    const { auth } = await guardBy(github, given).ask(PERSONAL)
    expect(auth?.attributes['teams']).toEqual(['org-1', 'org-2', 'org-3'])
  })

  it('are read from ten pages', async () => {
    const github = await startGithub(undefined, (page) => ({
      json: organizationsOf(page < 10 ? 100 : 99),
    }))
    const { auth } = await guardBy(github, given).ask(PERSONAL)
    expect(auth?.attributes['teams']).toHaveLength(999)
  })

  it('are asked for ten times at most', async () => {
    const github = await startGithub(undefined, () => ({ json: organizationsOf(100) }))
    expect(await guardBy(github, given).ask(PERSONAL)).toMatchObject({
      reason: 'invalid_response',
      cause: 'GitHub listed more than 1000 organizations of a user',
    })
    expect(github.calls).toHaveLength(1 + 10)
  })

  it('of 120 KB are read', async () => {
    const json = organizationsOf(99).map((one) => ({ ...one, description: 'x'.repeat(1200) }))
    const { auth } = await guardBy(await startGithub(undefined, () => ({ json })), given).ask(
      PERSONAL,
    )
    expect(auth?.attributes['teams']).toHaveLength(99)
  })

  it.each<[string, (page: number) => Said, string, string?]>([
    ['the next page fails', (page) => (page > 1 ? { status: 500 } : FULL), 'service_error'],
    ['they are not found', () => ({ status: 404 }), 'service_error'],
    [
      'they are not a list',
      () => ({ json: {} }),
      'invalid_response',
      'sent no list of organizations',
    ],
    ['they are HTML', () => ({ text: '<' }), 'invalid_response', 'a body that is not JSON'],
    [
      'one has no login',
      () => ({ json: [{ login: 'a' }, { id: 1 }] }),
      'invalid_response',
      'listed an organization without "login"',
    ],
    ['the rate is limited', () => LIMITED, 'rate_limited'],
  ])('are not taken for none if %s', async (_what, organizations, reason, cause) => {
    const decision = await guardBy(await startGithub(undefined, organizations), given).ask(PERSONAL)
    expect(decision).toMatchObject({ outcome: 'deny', reason })
    expect(decision.cause ?? '').toContain(cause ?? '')
  })

  it.each<[string, Said, string]>([
    ['lacks read:org', { status: 403, json: { message: 'You need read:org' } }, 'missing_claim'],
    ['lacks single sign-on', { json: organizationsOf(1), headers: SSO }, 'missing_claim'],
    ['was revoked after the first question', { status: 401 }, 'unknown_token'],
  ])('deny a token that %s', async (_what, said, detail) => {
    const decision = await guardBy(await startGithub(undefined, () => said), given).ask(PERSONAL)
    expect(decision).toMatchObject({ reason: 'denied', detail })
  })

  it('are not asked for if no attribute has them, or if the option says so', async () => {
    const github = await startGithub()
    await guardBy(github, { attributes: { login: 'roles' } }).ask(PERSONAL)
    const { auth } = await guardBy(github, { ...given, organizations: false }).ask(PERSONAL)
    expect(github.paths()).toEqual(['/user', '/user'])
    expect({ ...auth?.attributes }).toEqual({})
  })

  it('deny a fine-grained token, since GitHub lists none for it', async () => {
    const { ask } = guardBy(await startGithub(), given)
    const token = `github_pat_11AAAAAAA0_${PERSONAL}`
    expect(await ask(token)).toMatchObject({ detail: 'missing_claim' })
  })
})
