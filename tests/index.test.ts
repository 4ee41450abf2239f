import { expect, it } from 'vitest'
import * as withAuth from '../src/index.ts'

it('exports these and nothing else', () => {
  expect(new Set(Object.keys(withAuth))).toEqual(
    new Set([
      'AuthConfigError',
      'AuthUnavailableError',
      'createAuthenticator',
      'getAuth',
      'memoryCache',
      'withAuth',
    ]),
  )
})
