import { describe, expect, it } from 'vitest'
import { AuthConfigError, getAuth, withAuth } from '../../../src/index.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { get } from '../../support/requests.ts'
import type { AuthConfig, Verifier } from '../../../src/index.ts'

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
