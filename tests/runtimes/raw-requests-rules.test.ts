import { expect, it } from 'vitest'
import { findUnadmitted } from './raw-requests/rules.ts'
import type { HandlerCall } from './raw-requests/rules.ts'
import type { Question } from '../support/auth-endpoint.ts'

/** The rule that judges every raw request notices the mistakes of a broken guard: without it they would pass unseen. */

const ALLOW: Question = { token: 'good', path: '/admin', params: {}, headers: {} }
const CALL: HandlerCall = {
  method: 'GET',
  url: 'http://h/admin',
  route: 'any',
  authorization: 'Bearer good',
  variant: null,
  fence: null,
  inherited: [],
}
const OPEN = { url: 'http://h/healthz', authorization: null }

/** A call of the handler, the questions before it, and whether the rule admits it. */
it.each<[call: Partial<HandlerCall>, questions: Partial<Question>[], isAdmitted: boolean]>([
  [{}, [{}], true],
  [{ url: 'http://h/%61dmin', authorization: ' bearer  good\t' }, [{}], true],
  [{ url: 'http://h/admin?a=1&a=2' }, [{ params: { a: ['1', '2'] } }], true],
  [{}, [], false],
  [{ authorization: 'Bearer evil' }, [{ token: 'evil' }], false],
  [{ authorization: 'Bearer evil' }, [{}], false],
  [{ authorization: 'Bearer good, Bearer evil' }, [{}], false],
  [{ authorization: null }, [{}], false],
  [{ url: 'http://h/admin/x' }, [{}], false],
  [{ url: 'http://h/x%2fadmin' }, [{ path: '/x/admin' }], false],
  [{ url: 'http://h/public/x', route: 'admin' }, [{ path: '/public/x' }], false],
  [{ url: 'http://h/admin?a=1' }, [{}], false],
  [{ url: 'http://h/admin?a=2&a=1' }, [{ params: { a: ['1', '2'] } }], false],
  [OPEN, [], true],
  [{ ...OPEN, url: 'http://h/%70ublic/x' }, [], true],
  [{ ...OPEN, method: 'POST' }, [], false],
  [{ ...OPEN, url: 'http://h/public/x', route: 'admin' }, [], false],
  [{ ...OPEN, url: 'http://h\\public/admin' }, [], false],
  [{ ...OPEN, url: 'http://h?/admin' }, [], false],
  [{ ...OPEN, url: 'http://h#/admin' }, [], false],
  [{ ...OPEN, url: 'http://h/public/../admin' }, [], false],
  [{ ...OPEN, url: 'http://h/public/%2e%2e/admin' }, [], false],
  [{ ...OPEN, url: 'http://h/public/..%2fadmin' }, [], false],
  [{ ...OPEN, url: 'http://h/public/..%5cadmin' }, [], false],
  [{ ...OPEN, url: 'http://h/healthz/' }, [], false],
])('of the call %j, after the questions %j, it says %s', (call, questions, isAdmitted) => {
  const asked = questions.map((question) => ({ ...ALLOW, ...question }))
  expect(findUnadmitted('function', [{ ...CALL, ...call }], asked).length === 0).toBe(isAdmitted)
})

it('one allow admits one call', () => {
  expect(findUnadmitted('function', [CALL, CALL], [ALLOW])).toEqual([CALL])
})
