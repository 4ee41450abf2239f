import { describe, expect, it, vi } from 'vitest'
import { routePolicy } from '../../src/access.ts'
import { withAuth } from '../../src/index.ts'
import { introspection } from '../../src/verifiers.ts'
import { bestTime } from '../parsers/timed-parsers.ts'
import { decide } from '../support/decide.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { TOKEN } from '../support/token.ts'
import { get } from '../support/requests.ts'
import { accessTo } from '../support/route-policy.ts'
import { startService } from '../support/verifier-service.ts'
import type { RouteRule } from '../../src/access.ts'
import type { AuthConfig, AuthEvent, Verifier } from '../../src/index.ts'

const verifier: Verifier = () => ({
  outcome: 'allow',
  principal: 'alice',
  attributes: { roles: ['a'] },
})

function ask(path: string, config: AuthConfig) {
  return decide({ verifier, ...config }, get(path, TOKEN))
}

const RULES: readonly RouteRule[] = [
  { permit: { paths: '/v1/models*' } },
  { forbid: { paths: '/v1/admin*' }, unless: 'user with admin in roles' },
  { permit: { paths: '/v1*' }, when: 'user with a in roles' },
]

describe('a request that a policy decides about', () => {
  it.each<[path: string, rule: number | undefined]>([
    ['/v1/admin', 1],
    ['/v2', undefined],
    ['/v1/%ff', undefined],
  ])('%s is forbidden, and the event names the rule %s', async (path, rule) => {
    const { admitted, event, response } = await ask(path, { routePolicy: routePolicy(RULES) })
    expect({ admitted, status: response?.status }).toEqual({ admitted: false, status: 403 })
    expect(event).toMatchObject({ outcome: 'deny', reason: 'forbidden', principal: 'alice' })
    expect('rule' in event && event.rule).toBe(rule ?? false)
    // The client learns neither rules nor roles.
    const body = JSON.stringify(await response?.json())
    expect(body).not.toMatch(/admin|rule|role/)
  })

  it.each(['/v1/models/x', '/v1/x'])(
    '%s is permitted, and the event names no rule',
    async (path) => {
      const { admitted, event } = await ask(path, { routePolicy: routePolicy(RULES) })
      expect(admitted).toBe(true)
      expect(event).not.toHaveProperty('rule')
    },
  )

  it('an empty policy permits every path, also one that rules cannot read', async () => {
    const { admitted } = await ask('/v1/%ff', { routePolicy: routePolicy([]) })
    expect(admitted).toBe(true)
  })

  it('the policy may stand in authorize too, and both must permit', async () => {
    const first = routePolicy([{ permit: { paths: '/v1/models' } }])
    const other = routePolicy([{ forbid: { paths: '/v1/x' } }, { permit: { paths: '*' } }])
    const both = { routePolicy: first, authorize: other }
    expect((await ask('/v1/models', both)).admitted).toBe(true)
    expect((await ask('/v1/x', both)).event).not.toHaveProperty('rule')
    expect((await ask('/v1/x', { authorize: other })).event).toMatchObject({ rule: 0 })
  })

  it('later changes of the given rules have no effect', async () => {
    const rules = [{ forbid: { paths: ['/v1'] } }, { permit: { paths: '*' } }]
    const policy = routePolicy(rules)
    rules.shift()
    expect((await ask('/v1', { routePolicy: policy })).event).toMatchObject({ rule: 0 })
  })
})

describe('an attribute whose claims cannot all be read', () => {
  const rule = (kind: 'permit' | 'forbid', when: string): AuthConfig => {
    const permit = { permit: { paths: '*' } }
    const rules =
      kind === 'permit' ? [{ ...permit, when }] : [{ forbid: permit.permit, when }, permit]
    return { routePolicy: routePolicy(rules) }
  }
  const reasonOf = async (facts: object, config: AuthConfig): Promise<unknown> => {
    const { url } = await startService(() => ({ json: { active: true, sub: 'alice', ...facts } }))
    const attributes = { groups: 'teams', more: 'teams' }
    const { ask: askGuard } = guardWith(introspection({ url, client: 'none', attributes }), config)
    const { outcome, reason = outcome } = await askGuard()
    return reason
  }

  it.each([
    [{ groups: ['staff', 7] }],
    [{ groups: [7], more: 'staff' }],
    [{ groups: ['staff'], more: { 7: true } }],
    [{ groups: ['staff', null] }],
    [{ groups: 7 }],
  ])('is not known, so no condition surely holds: %j', async (facts) => {
    expect(await reasonOf(facts, rule('permit', 'user with 7 not in teams'))).toBe('forbidden')
    expect(await reasonOf(facts, rule('permit', 'user with staff in teams'))).toBe('forbidden')
    expect(await reasonOf(facts, rule('forbid', 'user with 7 in teams'))).toBe('forbidden')
  })

  it.each([[{ groups: ['staff'], more: null }], [{ groups: [] }], [{ groups: [], more: 'staff' }]])(
    'is known of %j',
    async (facts) => {
      expect(await reasonOf(facts, rule('permit', 'user with 7 not in teams'))).toBe('allow')
      expect(await reasonOf(facts, rule('forbid', 'user with 7 in teams'))).toBe('allow')
    },
  )
})

describe('a forbid that is followed by permit: "*"', () => {
  const WARNING =
    'Rule 1 of the route policy forbids some paths, and rule 2 permits "*": your server may read a path in another way than rule 1. Permit what you know'
  const first: RouteRule = { permit: { paths: '/v1/models' } }
  const admin = 'user with admin in roles'
  const forbid: RouteRule = { forbid: { paths: '/v1/admin*' }, unless: admin }
  const all: RouteRule = { permit: { paths: '*' } }

  function warningsOf(rules: readonly RouteRule[], option: 'routePolicy' | 'authorize'): string[] {
    const messages: string[] = []
    const onEvent = (event: AuthEvent): void => {
      if (event.type === 'warning') messages.push(event.message)
    }
    withAuth(() => new Response(), { verifier, [option]: routePolicy(rules), onEvent })
    return messages
  }

  it.each<[what: string, ...rules: RouteRule[]]>([
    ['alone', forbid, all],
    ['with a list of paths', forbid, { permit: { paths: ['/v2', '*'] } }],
    ['as /*', forbid, { permit: { paths: '/*' } }],
    ['for some callers', forbid, { permit: { paths: '*' }, when: 'user with a in roles' }],
    ['for some methods', forbid, { permit: { paths: '*', methods: ['GET'] } }],
  ])('is warned of at the start: %s', (_what, ...rules) => {
    expect(warningsOf([first, ...rules], 'routePolicy')).toEqual([WARNING])
    expect(warningsOf([first, ...rules], 'authorize')).toEqual([WARNING])
  })

  it('is warned of once, with the first two rules of that kind', () => {
    expect(warningsOf([first, forbid, all, forbid, all], 'routePolicy')).toEqual([WARNING])
  })

  it('is warned of on the console without an observer', () => {
    const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    withAuth(() => new Response(), { verifier, routePolicy: routePolicy([first, forbid, all]) })
    expect(lines.mock.calls).toEqual([[`with-auth: ${WARNING}`]])
  })

  it.each<[what: string, ...rules: RouteRule[]]>([
    ['the permit comes first', all, forbid],
    ['the permit knows its paths', forbid, { permit: { paths: '/v1/*' } }],
    ['the forbid is about every path', { forbid: { paths: '*', methods: ['DELETE'] } }, all],
    [
      'the forbid is not about those callers',
      forbid,
      { ...all, when: [admin, 'user with b in c'] },
    ],
    [
      'the permit is not about those callers',
      { forbid: { paths: '/v1/admin*' }, when: admin },
      { ...all, unless: admin },
    ],
  ])('does not warn if %s', (_what, ...rules) => {
    expect(warningsOf([first, ...rules], 'routePolicy')).toEqual([])
  })
})

describe('the time of a policy', () => {
  const all: RouteRule = { permit: { paths: '/v1*' } }
  const twenty = (expression: (index: number) => string): RouteRule[] =>
    Array.from({ length: 20 }, (_, index) => ({ forbid: { paths: `regex:${expression(index)}` } }))
  const crafted = '/v1/%20;a%2fb//'.repeat(136)
  const SLOW = twenty(() => `.*.*.*${'.?'.repeat(115)}~`)
  const CLASSES = String.raw`[^\w~]?`.repeat(25)
  const WARNING =
    'The rules took too long for one path, so the request was forbidden: use fewer or simpler "regex:" patterns'

  const accented = `/v1/${'%C3%89'.repeat(340)}`

  it.each<[what: string, rules: readonly RouteRule[], path: string]>([
    ['twenty patterns that are slow', SLOW, crafted],
    ['one of them', SLOW.slice(0, 1), crafted],
    ['twenty usual ones', twenty((index) => `/v1/.*/x${index}/[^/]+$`), crafted],
    ['twenty with classes', twenty(() => `.*${CLASSES}~`), crafted],
    ['twenty with letters', twenty(() => `/v1/[^%]*${'x?'.repeat(100)}~`), accented],
  ])(
    'has a bound for %s and a crafted path, which is forbidden then',
    { tags: ['slow'] },
    (_what, rules, path) => {
      const policy = routePolicy([...rules, all])
      const access = accessTo(path)
      expect(policy(access)).toBe(false)
      // The goal is 5 ms on an idle machine.
      expect(bestTime(() => policy(access), '', 20)).toBeLessThan(40)
    },
  )

  it('is enough for twenty usual patterns and a path of the greatest length', () => {
    const policy = routePolicy([...twenty((index) => `/v1/.*/x${index}/[^/]+$`), all])
    for (const letter of ['a', 'A']) {
      expect(policy(accessTo(`/v1/${letter.repeat(2044)}`))).toBe(true)
    }
  })

  it('warns an observer once, and names no rule', async () => {
    const events: AuthEvent[] = []
    const config = { verifier, routePolicy: routePolicy([...SLOW, all]) }
    const guarded = withAuth(() => new Response(), {
      ...config,
      onEvent: (one) => events.push(one),
    })
    for (let count = 0; count < 2; count += 1) {
      expect((await guarded(get(crafted, TOKEN))).status).toBe(403)
    }
    expect(events.filter(({ type }) => type === 'warning')).toEqual([
      { type: 'warning', message: WARNING },
    ])
    const decisions = events.filter(({ type }) => type === 'decision')
    expect(decisions).toHaveLength(2)
    for (const event of decisions) expect(event).not.toHaveProperty('rule')
  })
})
