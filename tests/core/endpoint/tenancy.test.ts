import { describe, expect, it } from 'vitest'
import { AuthConfigError, createAuthenticator, getAuth, withAuth } from '../../../src/index.ts'
import { endpointVerifier, firstOf } from '../../../src/verifiers.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { get } from '../../support/requests.ts'
import type { AuthConfig, AuthEvent, Transport, Verifier } from '../../../src/index.ts'

/** The detail of the denial. */
const DENIED = 'tenant'

describe('a tenant', () => {
  const tenantOf = async (tenant: string | undefined, config: AuthConfig['tenant']) => {
    const verifier: Verifier = () => ({ outcome: 'allow', tenant })
    const guarded = guardWith(verifier, config === undefined ? {} : { tenant: config })
    const { outcome, detail, auth } = await guarded.ask()
    return outcome === 'allow' ? auth?.tenant : detail
  }

  it.each<[string | undefined, AuthConfig['tenant'], string | undefined]>([
    [' Acme ', undefined, ' Acme '],
    [' Acme ', {}, 'acme'],
    [undefined, {}, DENIED],
    ['', {}, DENIED],
    ['a/b', {}, DENIED],
    ['x'.repeat(129), {}, DENIED],
    // The sign of Kelvin, whose lower case is a k.
    ['\u212Aey', {}, DENIED],
    [undefined, { default: 'home' }, 'home'],
    ['a/b', { default: 'home' }, DENIED],
    ['acme', { mode: 'single', default: 'home' }, 'home'],
  ])('%j with %o becomes %j', async (tenant, config, expected) => {
    expect(await tenantOf(tenant, config)).toBe(expected)
  })

  it('gives the caller no name of Object.prototype', async () => {
    Object.defineProperty(Object.prototype, 'principal', { value: 'root', configurable: true })
    try {
      const guarded = withAuth(
        (request: Request) => new Response(String(getAuth(request).principal)),
        { verifier: () => ({ outcome: 'allow', tenant: 'acme', attributes: {} }), tenant: {} },
      )
      expect(await (await guarded(get('/', 'k1'))).text()).toBe('undefined')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'principal')
    }
  })

  it('that every caller gets must be named', () => {
    const verifier: Verifier = () => ({ outcome: 'allow' })
    const make = (): unknown =>
      withAuth(() => new Response(), { verifier, tenant: { mode: 'single' } })
    expect(make).toThrow(AuthConfigError)
    expect(make).toThrow('"tenant.default" must be given beside "tenant.mode" "single"')
  })
})

describe('whatever an endpoint sends as the tenant', () => {
  const NO_TENANTS = [null, 5, true, [], ['acme'], {}, { id: 'acme' }].map((tenant) => [tenant])
  const WAYS: Record<string, (tenant: unknown) => AuthConfig> = {
    'an endpoint': (tenant) => ({ endpoint: ENDPOINT, fetch: answering({ tenant }) }),
    'an endpoint, in a field of its own': (tenant) => ({
      endpoint: ENDPOINT,
      tenantField: 'org.id',
      fetch: answering({ org: { id: tenant } }),
    }),
    endpointVerifier: (tenant) => ({
      verifier: endpointVerifier({ endpoint: ENDPOINT, fetch: answering({ tenant }) }),
    }),
    'a member of firstOf': (tenant) => ({
      verifier: firstOf([endpointVerifier({ endpoint: ENDPOINT, fetch: answering({ tenant }) })]),
    }),
    'a verifier': (tenant) => ({
      verifier: () => ({ outcome: 'allow', principal: 'alice', tenant: tenant as string }),
    }),
  }
  const ENDPOINT = 'https://auth.example.test/validate'
  const answering = (body: object): Transport => {
    return async () => Response.json({ principal: 'alice', ...body })
  }
  const ask = async (config: AuthConfig) => {
    const events: AuthEvent[] = []
    const result = await createAuthenticator({ ...config, onEvent: (event) => events.push(event) })(
      get('/', 'k1'),
    )
    return { auth: result.ok ? result.auth : result.reason, events }
  }

  describe.each(Object.entries(WAYS))('from %s', (_name, configOf) => {
    it.each(NO_TENANTS)('the mode "single" gives every caller the default: %j', async (tenant) => {
      const single = { mode: 'single', default: 'home' } as const
      const { auth, events } = await ask({ ...configOf(tenant), tenant: single })
      expect(auth).toMatchObject({ principal: 'alice', tenant: 'home' })
      expect(events).toMatchObject([{ type: 'decision', outcome: 'allow' }])
    })

    it('null is absent', async () => {
      const without = await ask(configOf(null))
      expect(without.auth).toMatchObject({ principal: 'alice' })
      expect(without.auth).not.toHaveProperty('tenant')
      expect(without.events).toMatchObject([{ type: 'decision', outcome: 'allow' }])
      const home = await ask({ ...configOf(null), tenant: { default: 'home' } })
      expect(home.auth).toMatchObject({ tenant: 'home' })
      const none = await ask({ ...configOf(null), tenant: {} })
      expect(none).toMatchObject({ auth: 'denied', events: [{ detail: DENIED }] })
    })

    it.each(NO_TENANTS.slice(1))('the mode "multi" gives %j no tenant', async (tenant) => {
      const { auth } = await ask({ ...configOf(tenant), tenant: { default: 'home' } })
      expect(auth).toBeTypeOf('string')
    })
  })
})
