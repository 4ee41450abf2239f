import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { admissionOf, getAuth, rememberAdmission } from '../../src/core/identity.ts'
import type { Admission } from '../../src/core/decision.ts'

const auth = { principal: 'alice', attributes: {} }
const ALLOW: Admission = { outcome: 'allow', auth, credentials: ['bearer'] }
const EXEMPT: Admission = { outcome: 'exempt', credentials: ['bearer'] }

function admitted(...admissions: Admission[]): Request {
  const request = new Request('https://api.example.test/')
  for (const admission of admissions) rememberAdmission(request, admission)
  return request
}

it('gives the identity of the very Request that it was remembered for', () => {
  const request = admitted(ALLOW)
  expect(getAuth(request)).toBe(auth)
  expect(() => getAuth(request.clone())).toThrow(TypeError)
  expect(() => getAuth(new Request(request))).toThrow(TypeError)
})

it('throws and says why for any other', () => {
  const message = 'No verdict let this request through'
  expect(() => getAuth(admitted())).toThrow(message)
  expect(() => getAuth(admitted(EXEMPT))).toThrow(message)
  for (const other of [undefined, null, 'request', () => undefined]) {
    expect(() => getAuth(other as unknown as Request)).toThrow(message)
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
  it('is that of the very Request, and of no other', () => {
    const request = admitted(EXEMPT)
    expect(admissionOf(request)).toBe(EXEMPT)
    expect(admissionOf(request.clone())).toBeUndefined()
    expect(admissionOf(admitted())).toBeUndefined()
  })

  it('by two guards is of whom one named, and knows where both look for credentials', () => {
    const key = { header: 'x-api-key' }
    const bob: Admission = {
      ...ALLOW,
      auth: { principal: 'bob', attributes: {} },
      credentials: [key],
    }
    const exempt: Admission = { ...EXEMPT, credentials: [key] }
    expect(admissionOf(admitted(ALLOW, exempt))).toEqual({ ...ALLOW, credentials: ['bearer', key] })
    expect(admissionOf(admitted(exempt, ALLOW))).toEqual({ ...ALLOW, credentials: [key, 'bearer'] })
    expect(admissionOf(admitted(ALLOW, bob))).toEqual({ ...bob, credentials: ['bearer', key] })
  })

  it('by one guard again and again does not grow', () => {
    const again: Admission = { ...EXEMPT, credentials: ['bearer', { header: 'x-api-key' }] }
    const request = admitted(ALLOW, again, ALLOW, again, ALLOW)
    expect(admissionOf(request)?.credentials).toHaveLength(2)
    expect(admissionOf(admitted(ALLOW, ALLOW))).toBe(ALLOW)
    const exempt: Admission = { outcome: 'exempt', credentials: ALLOW.credentials }
    expect(admissionOf(admitted(ALLOW, exempt))).toEqual(ALLOW)
  })
})
