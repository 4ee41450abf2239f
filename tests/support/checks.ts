import { Check } from '../../src/core/request/check.ts'

/** A check of one question, with a deadline that is far away. */
export function checkOf(token = 't', told = 'told'): Check {
  const request = { path: '/a', headers: {}, params: {} }
  return new Check(token, told, () => ({ token, request }), [])
}
