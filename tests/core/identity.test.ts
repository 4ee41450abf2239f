import { expect, it } from 'vitest'
import { getAuth, rememberAuth } from '../../src/core/identity.ts'

const auth = { principal: 'alice', attributes: {} }

it('gives the identity of the very Request that it was remembered for', () => {
  const request = new Request('https://api.example.test/')
  rememberAuth(request, auth)
  expect(getAuth(request)).toBe(auth)
  expect(() => getAuth(request.clone())).toThrow(TypeError)
  expect(() => getAuth(new Request(request))).toThrow(TypeError)
})

it('throws and says why for any other', () => {
  expect(() => getAuth(new Request('https://api.example.test/'))).toThrow(
    'No verdict let this request through',
  )
  expect(() => getAuth(undefined as unknown as Request)).toThrow(TypeError)
})
