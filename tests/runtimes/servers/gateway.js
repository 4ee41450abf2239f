import { withAuth } from 'with-auth'
import { createGateway } from 'with-auth/gateway'
import { upstream } from './gateway-upstream.js'

const VERDICTS = new Map([
  // TOKEN in tests/support/token.ts.
  [
    'goodK7vQ2xW9mZ4tR8pL',
    { outcome: 'allow', principal: 'alice', attributes: { roles: ['admin'] } },
  ],
  ['nobody', { outcome: 'allow' }],
  ['odd', { outcome: 'allow', principal: 'a\r\nX-Admin: 1' }],
  ['jose', { outcome: 'allow', principal: 'José' }],
])

// As an object: Workers take no function.
export default withAuth(
  { fetch: createGateway({ upstream, timeoutMs: 8_000 }) },
  {
    verifier: ({ token }) => VERDICTS.get(token) ?? { outcome: 'deny' },
    public: ['/public/*'],
  },
)
