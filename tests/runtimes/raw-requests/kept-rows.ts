import { get } from './bytes.ts'
import { allowed, denied, kept, malformed, row, variant } from './row.ts'
import type { Expected, Row, Variant } from './row.ts'

/** Requests that share a cached decision, and requests that must not. They run in this order on one server. */
export const KEPT_ROWS: readonly Row[] = [
  row(
    'blanks around',
    'one token however it is written is one question',
    [
      authorized('the first', 'Bearer good', allowed()),
      authorized('the second', 'Bearer good', kept),
      authorized('in lower case', 'bearer good', kept),
      authorized('after 2 spaces', 'Bearer  good', kept),
      authorized('before spaces and tabs', 'Bearer good \t ', kept),
      authorized('after a tab', '\tBearer good', kept),
      authorized('cut off', 'Bearer goo', denied({ token: 'goo' })),
      authorized('in upper case', 'Bearer GOOD', denied({ token: 'GOOD' })),
      authorized('twice', 'Bearer good, Bearer good', malformed),
    ],
    ['cached'],
  ),
  row(
    'encoded letter',
    'one path however it is encoded is one question, and no other path is',
    [
      asked('/p6', allowed({ path: '/p6' })),
      asked('/%706', kept),
      asked('/%70%36', kept),
      asked('/P6', allowed({ path: '/P6' })),
      asked('/p6/', allowed({ path: '/p6/' })),
      asked('//p6', allowed({ path: '//p6' })),
      asked('/p%2f6', allowed({ path: '/p%2f6' })),
      asked('/p/6', allowed({ path: '/p/6' })),
    ],
    ['cached'],
  ),
  row(
    'repeated parameter',
    'parameters in another order are another question',
    [
      asked('/q1?t=a&t=b', allowed({ path: '/q1', params: { t: ['a', 'b'] } })),
      asked('/q1?t=b&t=a', allowed({ path: '/q1', params: { t: ['b', 'a'] } })),
      asked('/q1?t=a', allowed({ path: '/q1', params: { t: 'a' } })),
      asked('/q1', allowed({ path: '/q1' })),
    ],
    ['cached'],
  ),
  row(
    'broken query',
    'different bytes are different questions, though they decode to the same',
    [
      asked('/q5?a=%FF', allowed({ path: '/q5', params: { a: '\ufffd' } })),
      asked('/q5?a=%FE', allowed({ path: '/q5', params: { a: '\ufffd' } })),
      asked('/q5?a=%EF%BF%BD', allowed({ path: '/q5', params: { a: '\ufffd' } })),
    ],
    ['cached'],
  ),
]

function authorized(name: string, value: string, expected: Expected): Variant {
  return variant(`kept: ${name}`, get('/admin', `Authorization: ${value}`), expected)
}

function asked(target: string, expected: Expected): Variant {
  return variant(`kept: ${target}`, get(target, 'Authorization: Bearer good'), expected)
}
