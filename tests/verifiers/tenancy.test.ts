import { describe, expect, it } from 'vitest'
import { AuthConfigError, createAuthenticator, memoryCache } from '../../src/index.ts'
import { defineVerifier, endpointVerifier, firstOf, tenancy } from '../../src/verifiers.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import type { AuthConfig, Transport, Verdict, Verifier } from '../../src/index.ts'
import type { TenancyOptions } from '../../src/verifiers.ts'

/** The detail of the denial. */
const DENIED = 'tenant'
const ENDPOINT = 'https://auth.example.test/validate'
const ALICE = { outcome: 'allow', principal: 'alice' } as const

describe('a tenant', () => {
  const tenantOf = async (tenant: string | undefined, options: TenancyOptions | undefined) => {
    const verifier: Verifier = () => ({ outcome: 'allow', tenant })
    const guarded = guardWith(options === undefined ? verifier : tenancy(verifier, options))
    const { outcome, detail, auth } = await guarded.ask()
    return outcome === 'allow' ? auth?.tenant : detail
  }

  it.each<[string | undefined, TenancyOptions | undefined, string | undefined]>([
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

  it('that every caller gets must be named', () => {
    const verifier: Verifier = () => ({ outcome: 'allow' })
    const make = (): unknown => tenancy(verifier, { mode: 'single' })
    expect(make).toThrow(AuthConfigError)
    expect(make).toThrow('"default" must be given beside "mode" "single"')
    const wrong = (): unknown => tenancy({} as Verifier, { mode: 'many', dflt: 1 } as never)
    expect(wrong).toThrow(
      '"verifier" must be a function, or a verifier that this copy of with-auth has made, received an object\n' +
        'Unknown option "dflt": did you mean "default"?\n' +
        '"mode" must be "multi" or "single", received "many"',
    )
  })
})

describe('whatever an endpoint sends as the tenant', () => {
  const NO_TENANTS = [null, 5, true, [], ['acme'], {}, { id: 'acme' }].map((tenant) => [tenant])
  const WAYS: Record<string, (tenant: unknown) => Verifier> = {
    endpointVerifier: (tenant) =>
      endpointVerifier({ endpoint: ENDPOINT, fetch: answering({ tenant }) }),
    'endpointVerifier, in a field of its own': (tenant) => {
      const fetch = answering({ org: { id: tenant } })
      return endpointVerifier({ endpoint: ENDPOINT, tenantField: 'org.id', fetch })
    },
    'a member of firstOf': (tenant) =>
      firstOf([endpointVerifier({ endpoint: ENDPOINT, fetch: answering({ tenant }) })]),
    'a verifier': (tenant) => () => ({ ...ALICE, tenant: tenant as string }),
    'a defined verifier': (tenant) =>
      defineVerifier({ ask: () => ({ ...ALICE, tenant: tenant as string }), reads: {} }),
  }
  const answering = (body: object): Transport => {
    return async () => Response.json({ principal: 'alice', ...body })
  }
  describe.each(Object.entries(WAYS))('from %s', (_name, verifierOf) => {
    it.each(NO_TENANTS)('the mode "single" gives every caller the default: %j', async (tenant) => {
      const single = { mode: 'single', default: 'home' } as const
      const { ask, events } = guardWith(tenancy(verifierOf(tenant), single))
      expect((await ask()).auth).toMatchObject({ principal: 'alice', tenant: 'home' })
      expect(events).toHaveLength(1)
    })

    it('null is absent', async () => {
      const { ask, events } = guardWith(verifierOf(null))
      const { auth } = await ask()
      expect(auth).toMatchObject({ principal: 'alice' })
      expect(auth).not.toHaveProperty('tenant')
      expect(events).toHaveLength(1)
      const home = await guardWith(tenancy(verifierOf(null), { default: 'home' })).ask()
      expect(home.auth).toMatchObject({ tenant: 'home' })
      const none = await guardWith(tenancy(verifierOf(null))).ask()
      expect(none).toMatchObject({ reason: 'denied', detail: DENIED })
    })

    it.each(NO_TENANTS.slice(1))('the mode "multi" gives %j no tenant', async (tenant) => {
      const { outcome } = await guardWith(tenancy(verifierOf(tenant), { default: 'home' })).ask()
      expect(outcome).toBe('deny')
    })
  })
})

describe('the body of an endpoint', () => {
  const broken: Transport = async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode('{"principal":"alice"'))
        controller.error(new Error('reset'))
      },
    })
    return new Response(body)
  }
  const endless: Transport = async () => new Response(new ReadableStream())
  const long: Transport = async () => new Response('x'.repeat(70_000))
  const config = { timeoutMs: 200, cache: memoryCache() } as const
  const context = { headers: [] } as const

  it.each<[string, Transport, string]>([
    ['breaks off', broken, 'unreachable'],
    ['does not end', endless, 'timeout'],
    ['is too long', long, 'invalid_response'],
  ])(
    'that %s is a failure where its tenant is needed, never a denial',
    async (_, fetch, reason) => {
      const plain = endpointVerifier({ endpoint: ENDPOINT, context, fetch })
      const needed: Verifier[] = [
        tenancy(plain),
        tenancy(plain, { default: 'home' }),
        tenancy(firstOf([plain], { retry: false })),
        endpointVerifier({ endpoint: ENDPOINT, context, fetch, tenantField: 'tenant' }),
      ]
      for (const verifier of needed) {
        const { ask } = guardWith(verifier, config)
        expect(await ask()).toMatchObject({ outcome: 'deny', reason, cache: 'miss' })
        expect(await ask()).toMatchObject({ outcome: 'deny', reason, cache: 'miss' })
      }
      const allowed = [plain, tenancy(plain, { mode: 'single', default: 'home' })]
      for (const verifier of allowed) {
        expect(await guardWith(verifier, config).ask()).toMatchObject({ outcome: 'allow' })
      }
    },
  )

  it('has its tenant looked at closely by whoever does not say that it is optional', async () => {
    const fetch: Transport = async () => Response.json({ tenant: ['acme'] })
    const { ask } = endpointVerifier({ endpoint: ENDPOINT, fetch })
    const question = { token: 't', request: { path: '', headers: {}, params: {} } }
    const { signal } = new AbortController()
    const denied = { outcome: 'deny', detail: 'tenant' }
    expect(await ask(question, signal)).toMatchObject(denied)
    // A function of the user that passes on no run, or a part of it.
    for (const run of [undefined, {}]) {
      const wrapped = tenancy(({ token }) => ask({ ...question, token }, signal, run), {
        default: 'home',
      })
      expect(await guardWith(wrapped).ask()).toMatchObject(denied)
    }
    // The tenant of a guard without tenancy may be missing, so it is dropped with a warning, as with `endpoint`.
    const { ask: askGuard, warnings } = guardWith(endpointVerifier({ endpoint: ENDPOINT, fetch }))
    expect(await askGuard()).toMatchObject({ outcome: 'allow' })
    expect(warnings()).toEqual([expect.stringContaining('"tenant" must be a string')])
  })
})

describe('tenancy', () => {
  const verifier = defineVerifier({
    ask: () => ({ outcome: 'allow', principal: 'alice', tenant: 'Acme' }),
    reads: { headers: ['x-org'] },
    local: true,
    consumes: ['x-org'],
    namesCaller: true,
    accepts: (token) => token.startsWith('a'),
    label: 'ours',
    warnings: ['w'],
    id: 'v1',
    endsByItself: true,
    describe: () => ({ type: 'ours', audience: 'api' }),
  })

  it('passes on the traits of its verifier', () => {
    const { reads, consumes, namesCaller, label, warnings, local, endsByItself, accepts } = verifier
    const traits = { reads, consumes, namesCaller, label, warnings, local, endsByItself, accepts }
    expect(tenancy(verifier)).toMatchObject(traits)
    expect(tenancy(verifier, { default: 'home' }).describe()).toEqual({
      type: 'ours',
      audience: 'api',
      tenancy: { mode: 'multi', default: 'home' },
    })
    const shown = { type: 'ours', audience: 'api', tenancy: { mode: 'multi' } }
    expect(tenancy(verifier).describe()).toEqual(shown)
  })

  it('has an id of its own by its options, if its verifier has one', () => {
    const ids = [
      verifier,
      tenancy(verifier),
      tenancy(verifier, { default: 'home' }),
      tenancy(verifier, { mode: 'single', default: 'home' }),
      tenancy(tenancy(verifier), { default: 'home' }),
    ].map(({ id }) => id)
    expect(ids).not.toContain(undefined)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids[1]).toMatch(/^\["tenancy",/)
    expect(tenancy(() => ({ outcome: 'allow' })).id).toBeUndefined()
  })

  const ofAcme = (): Verdict => ({ outcome: 'allow', tenant: 'acme' })
  it.each<[string, Verifier]>([
    ['with an id', defineVerifier({ ask: ofAcme, reads: {}, id: 'v' })],
    ['without one', defineVerifier({ ask: ofAcme, reads: {} })],
    ['that is a function', ofAcme],
  ])(
    'guards with another tenancy of a verifier %s never share a decision',
    async (_what, inner) => {
      const cache = memoryCache()
      const config: AuthConfig = { cache, context: { headers: [] } }
      const tenantBy = async (by: Verifier): Promise<unknown> => {
        const { auth, detail } = await guardWith(by, config).ask()
        return auth?.tenant ?? detail
      }
      const guards = [
        inner,
        tenancy(inner, { mode: 'single', default: 'one' }),
        tenancy(inner, { mode: 'single', default: 'two' }),
        tenancy(inner),
      ]
      for (const round of [1, 2]) {
        const tenants = await Promise.all(guards.map(tenantBy))
        expect([round, ...tenants]).toEqual([round, 'acme', 'one', 'two', 'acme'])
      }
    },
  )

  it('decides in shadow mode and for a cached decision as for a new one', async () => {
    const named = tenancy(defineVerifier({ ask: () => ALICE, reads: {} }))
    const { ask } = guardWith(named, { cache: memoryCache(), mode: 'shadow' })
    for (const cache of ['miss', 'hit']) {
      expect(await ask()).toMatchObject({ outcome: 'deny', shadow: true, detail: 'tenant', cache })
    }
  })

  it('caches no denial for an allow that must not be cached', async () => {
    const ask = (): Verdict => ({ outcome: 'allow', maxAgeMs: 0 })
    const guard = guardWith(tenancy(defineVerifier({ ask, reads: {} })), { cache: memoryCache() })
    for (let turn = 0; turn < 2; turn += 1) {
      expect(await guard.ask()).toMatchObject({ detail: 'tenant', cache: 'skipped' })
    }
  })

  it('around firstOf is that of the member that decides, which events name', async () => {
    const byToken = (prefix: string, tenant: string | undefined): Verifier =>
      defineVerifier({
        ask: () => ({ outcome: 'allow', principal: prefix, tenant }),
        reads: {},
        label: prefix,
        accepts: (token) => token.startsWith(prefix),
      })
    const members = [byToken('a', 'Acme'), byToken('b', undefined), byToken('c', 'x/y')]
    const { ask } = guardWith(tenancy(firstOf(members)))
    expect(await ask('a1')).toMatchObject({ verifier: 'a', auth: { tenant: 'acme' } })
    expect(await ask('b1')).toMatchObject({ verifier: 'b', detail: 'tenant' })
    expect(await ask('c1')).toMatchObject({ verifier: 'c', detail: 'tenant' })
    const single = guardWith(tenancy(firstOf(members), { mode: 'single', default: 'home' }))
    expect(await single.ask('c1')).toMatchObject({ auth: { tenant: 'home' } })
  })
})

it.each<[object, string]>([
  [
    {
      endpoint: 'https://hunter2.example',
      endpointHeaders: { 'x-a': 'hunter2' },
      realm: 'stays',
      tenant: { mode: 'hunter2' },
    },
    '"tenant" must be made by a function: verifier: tenancy(endpointVerifier({ endpoint: ..., endpointHeaders: ... }), { mode: ... }) of with-auth/verifiers',
  ],
  [
    { verifier: () => ({ outcome: 'deny' }), tenant: { mode: 'hunter2' } },
    '"tenant" must be made by a function: verifier: tenancy(verifier, { mode: ... }) of with-auth/verifiers',
  ],
  [
    { tenant: {} },
    '"tenant" must be made by a function: verifier: tenancy(endpointVerifier({ endpoint: ... }), {}) of with-auth/verifiers',
  ],
])('the options of before show the new form, and no value: %j', (config, message) => {
  expect(() => createAuthenticator(config)).toThrow(expect.objectContaining({ message }))
})
