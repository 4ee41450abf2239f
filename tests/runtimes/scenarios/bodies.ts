import { answered, bearer, missing, question } from './expectations.ts'
import { TOKEN } from '../../support/token.ts'
import type { Asked, Scenario } from '../scenario.ts'

const LARGE = `${'0123456789abcdef'.repeat(65_536)}END`

/** Request bodies and response bodies pass unchanged. */
export const BODIES: readonly Scenario[] = [
  {
    name: 'sends a response of a megabyte',
    profile: 'cached',
    request: { target: '/large', headers: bearer(TOKEN) },
    expected: answered(LARGE, told('/large')),
  },
  {
    name: 'leaves an upload to the handler',
    profile: 'cached',
    request: { method: 'POST', target: '/echo', headers: bearer(TOKEN), body: LARGE },
    expected: answered(LARGE, told('/echo')),
  },
  {
    name: 'leaves an upload in chunks to the handler',
    profile: 'cached',
    request: {
      method: 'PUT',
      target: '/echo',
      headers: bearer(TOKEN),
      body: ['first, ', 'and \u00fc\u{1f511}, ', 'and last'],
    },
    expected: answered('first, and \u00fc\u{1f511}, and last', told('/echo')),
  },
  {
    name: 'rejects an upload without a token',
    request: { method: 'POST', target: '/echo', body: ['some', 'thing'] },
    expected: missing,
  },
]

function told(path: string): Asked {
  return question(TOKEN, { path, headers: {} })
}
