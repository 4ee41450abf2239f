import { expect, it } from 'vitest'
import { findTypeErrors } from './type-check.ts'
import type { Place } from './type-check.ts'

const COMPILE = { tags: ['slow'], timeout: 60_000 }
const CODE = `
import { withAuth } from 'with-auth'
export default withAuth(() => new Response('hello'), { endpoint: 'https://auth.example.com/' })
`

it('finds a misspelled option', COMPILE, () => {
  expect(findTypeErrors(CODE, '')).toEqual([])
  const misspelled = findTypeErrors(CODE.replace('endpoint:', 'endpiont:'), '')
  expect(misspelled.join()).toContain("'endpiont' does not exist")
})

it.each<[Place, string]>([
  ['node', 'process.pid'],
  ['bun', 'Bun.version'],
  ['deno', 'Deno.pid'],
  ['workers', 'new WebSocketPair()'],
])('knows the globals of %s, and only there', COMPILE, (place, code) => {
  expect(findTypeErrors(code, place)).toEqual([])
  expect(findTypeErrors(code, '')).not.toEqual([])
})
