import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  admissionOf,
  guardsOf,
  getAuth,
  nest,
  rememberAdmission,
  requireScopes,
} from '../../../src/core/response/admission.ts'
import { secretSourcesOf } from '../../../src/gateway/request-headers.ts'
import { GuardedResource } from '../../../src/core/seams.ts'
import { protectedResource } from '../../../src/mcp.ts'
import { admittingGuard } from '../../support/admitting-guard.ts'
import type { Admission, Exemption, Guards } from '../../../src/core/response/admission.ts'

const auth = { principal: 'alice', attributes: {} }
const ALLOW: Admission = { admitted: true, auth }
const EXEMPT: Admission = { admitted: true, exemption: 'public' }
const KEY = { header: 'x-api-key' }
const byBearer = admittingGuard()
const byKey = admittingGuard([KEY])

function admitted(...admissions: (Admission | readonly [Admission, Guards])[]): Request {
  const request = new Request('https://api.example.test/')
  for (const one of admissions) {
    const [admission, guard] = 'admitted' in one ? [one, byBearer] : one
    expect(rememberAdmission(request, admission, guard)).toBe(admission)
  }
  return request
}

it('gives the identity of the very Request that it was remembered for', () => {
  const request = admitted(ALLOW)
  expect(getAuth(request)).toBe(auth)
  expect(() => getAuth(request.clone())).toThrow(TypeError)
  expect(() => getAuth(new Request(request))).toThrow(TypeError)
})

it.each<[Exemption, string]>([
  [
    'public',
    'the path is public, so no token was checked. Take the path out of "public", or do not call getAuth there',
  ],
  [
    'preflight',
    'the request is a CORS preflight, which carries no token. Answer it before you call getAuth, or leave "preflight" out',
  ],
  [
    'shadow',
    'the request would be rejected, and reached the handler because "mode" is "shadow". Catch this error until you set "mode" to "enforce"',
  ],
])('throws and says what let the request in without an allow: %s', (exemption, why) => {
  const request = admitted({ ...EXEMPT, exemption })
  expect(() => getAuth(request)).toThrow(new TypeError(`getAuth: ${why}`))
})

it('throws for what no wrapper saw, and for a copy, and says that it is one of the two', () => {
  const error = new TypeError(
    'getAuth: with-auth did not decide about this object: the request was not guarded, or this is a copy of it. ' +
      'Guard the handler, and pass on the very Request that it was given, not `new Request(request)` or `request.clone()`',
  )
  const others = [undefined, null, 'request', () => undefined] as unknown as Request[]
  for (const other of [admitted(), admitted(ALLOW).clone(), admitted(EXEMPT).clone(), ...others]) {
    expect(() => getAuth(other)).toThrow(error)
  }
})

it('leaves nothing on the Request that others can see, list, copy or write to', () => {
  const untouched = admitted()
  const request = admitted(ALLOW, ALLOW)
  expect(Reflect.ownKeys(request)).toEqual(Reflect.ownKeys(untouched))
  expect(Object.getPrototypeOf(request)).toBe(Object.getPrototypeOf(untouched))
  expect(inspect(request, { showHidden: true, depth: 9 })).not.toContain('alice')
  expect(() => getAuth(Object.create(request) as Request)).toThrow(TypeError)
  expect(() => getAuth(new Proxy(request, {}))).toThrow(TypeError)
})

describe('an admission', () => {
  const rememberedOf = (request: Request) => {
    const entry = admissionOf(request)
    return entry && { ...entry.admission, sources: secretSourcesOf(entry) }
  }

  it('is that of the very Request, and of no other', () => {
    const request = admitted(EXEMPT)
    expect(rememberedOf(request)).toEqual({ ...EXEMPT, sources: ['bearer'] })
    expect(admissionOf(request.clone())).toBeUndefined()
    expect(admissionOf(admitted())).toBeUndefined()
  })

  it('by two guards is of whom one named, and knows where both look for credentials', () => {
    const bob: Admission = { admitted: true, auth: { principal: 'bob', attributes: {} } }
    const both = ['bearer', KEY]
    expect(rememberedOf(admitted(ALLOW, [EXEMPT, byKey]))).toEqual({ ...ALLOW, sources: both })
    expect(rememberedOf(admitted([EXEMPT, byKey], ALLOW))).toEqual({
      ...ALLOW,
      sources: [KEY, 'bearer'],
    })
    expect(rememberedOf(admitted(ALLOW, [bob, byKey]))).toEqual({ ...bob, sources: both })
  })

  it('is not made by scopes that a request needs', () => {
    const request = admitted()
    requireScopes(request, ['a'])
    expect(admissionOf(request)).toBeUndefined()
    const known = admitted(ALLOW)
    for (const scope of ['a', 'b', 'a']) requireScopes(known, [scope])
    expect(admissionOf(known)?.guards.required).toEqual(['a', 'b'])
  })

  it('by guards again and again does not grow', () => {
    const again = [EXEMPT, byKey] as const
    const entry = admissionOf(admitted(ALLOW, again, ALLOW, again, ALLOW))
    expect(entry?.guards.all).toEqual([...byKey.all, ...byBearer.all])
    expect(rememberedOf(admitted(ALLOW, EXEMPT))).toEqual({ ...ALLOW, sources: ['bearer'] })
  })
})

describe('the mark of a request that comes through two guards', () => {
  const bob: Admission = { admitted: true, auth: { principal: 'bob', attributes: {} } }
  const guardIn = (mode: 'enforce' | 'shadow', scope: string) => {
    const { deciding } = admittingGuard([{ header: scope }])
    const resource = protectedResource({
      identifier: 'https://api.example.test/',
      authorizationServers: ['https://login.example.test'],
      require: [scope],
    })
    if (!(resource instanceof GuardedResource)) throw new Error('It is no resource of this copy')
    return guardsOf({ ...deciding, config: { ...deciding.config, mode, resource } })
  }
  const modes = { E: 'enforce', S: 'shadow' } as const
  const O = guardIn('enforce', 'o')

  // Outer and inner mode and admission; then whose admission it is, the scopes, and who decides about route checks.
  it.each<
    [
      outer: 'E' | 'S',
      inner: 'E' | 'S',
      Admission | undefined,
      Admission,
      by: 'outer' | 'inner',
      scopes: string[],
      deciding: 'outer' | 'inner',
    ]
  >([
    ['E', 'S', ALLOW, bob, 'outer', ['outer'], 'outer'],
    ['E', 'S', EXEMPT, bob, 'outer', ['outer'], 'outer'],
    ['E', 'S', undefined, bob, 'outer', ['outer'], 'outer'],
    ['S', 'E', ALLOW, bob, 'inner', ['inner'], 'inner'],
    ['S', 'E', ALLOW, EXEMPT, 'inner', ['inner'], 'inner'],
    ['S', 'E', undefined, EXEMPT, 'inner', ['inner'], 'inner'],
    ['E', 'E', ALLOW, bob, 'inner', ['outer', 'inner'], 'inner'],
    ['E', 'E', ALLOW, EXEMPT, 'outer', ['outer', 'inner'], 'inner'],
    ['E', 'E', EXEMPT, bob, 'inner', ['outer', 'inner'], 'inner'],
    ['E', 'E', undefined, EXEMPT, 'inner', ['outer', 'inner'], 'inner'],
    ['S', 'S', ALLOW, bob, 'inner', ['outer', 'inner'], 'inner'],
    ['S', 'S', ALLOW, EXEMPT, 'outer', ['outer', 'inner'], 'inner'],
    ['S', 'S', undefined, EXEMPT, 'inner', ['outer', 'inner'], 'inner'],
  ])('%s around %s', (outerMode, innerMode, before, after, by, scopes, deciding) => {
    const outer = { admission: before, guards: guardIn(modes[outerMode], 'outer') }
    const inner = { admission: after, guards: guardIn(modes[innerMode], 'inner') }
    const frozen = [outer, inner].map((mark) => Object.freeze({ ...mark.guards }))
    const { admission, guards } = nest(outer, inner)
    const of = { outer, inner }
    expect(admission).toBe(of[by].admission)
    expect(guards.admitting).toBe(of[by].guards.deciding)
    expect(guards.required).toEqual(scopes)
    expect(guards.deciding).toBe(of[deciding].guards.deciding)
    // Each guard reads secrets that must not go on to an upstream.
    expect(guards.all).toEqual([outer.guards.deciding, inner.guards.deciding])
    // It is pure: the guards of a setup are shared by all its requests.
    expect([outer.guards, inner.guards]).toEqual(frozen)
  })

  it('leaves the guards of a setup as they are, whatever a route check requires of a request', () => {
    const request = admitted([ALLOW, O])
    requireScopes(request, ['more'])
    expect(admissionOf(request)?.guards.required).toEqual(['o', 'more'])
    expect(admissionOf(admitted([ALLOW, O]))?.guards.required).toEqual(['o'])
  })
})
