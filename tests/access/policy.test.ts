import { describe, expect, it } from 'vitest'
import { routePolicy } from '../../src/access.ts'
import { decide } from '../support/decide.ts'
import { TOKEN } from '../support/token.ts'
import { get } from '../support/requests.ts'
import type { RouteRule } from '../../src/access.ts'
import type { AuthConfig, Verifier } from '../../src/index.ts'

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

  it('public paths need no rule', async () => {
    const config = { public: ['/v2'], routePolicy: routePolicy(RULES) }
    expect((await ask('/v2', config)).event.outcome).toBe('public')
  })

  it('later changes of the given rules have no effect', async () => {
    const rules = [{ forbid: { paths: ['/v1'] } }, { permit: { paths: '*' } }]
    const policy = routePolicy(rules)
    rules.shift()
    expect((await ask('/v1', { routePolicy: policy })).event).toMatchObject({ rule: 0 })
  })
})
