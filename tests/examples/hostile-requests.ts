import { NOTES } from './notes-client.ts'
import { TOKEN } from '../support/token.ts'

/** Spellings of the path of the notes. Some routers take some of them for the same path. */
export const SPELLINGS: readonly string[] = [
  NOTES,
  '//v1/notes',
  '/v1//notes',
  '/v1/notes/',
  '/v1/notes//',
  '/V1/NOTES',
  '/v1/./notes',
  '/x/../v1/notes',
  '/x/%2e%2e/v1/notes',
  '/x/..%2fv1/notes',
  '/%76%31/%6e%6f%74%65%73',
  '/%2576%2531/notes',
  '/v1%2fnotes',
  '/v1\\notes',
  '/v1/notes;x=1',
  '/v1/notes?x=1',
  '/v1/notes%3fx=1',
  '/v1/notes%00',
  '/v1/notes%20',
  '/v1/notes.json',
  '/v1/notes.data',
  '/v1/notes.rsc',
  '/v1/notes/__data.json',
  '/_next/data/x/v1/notes.json',
  'http://elsewhere.example/v1/notes',
  'http://elsewhere.example:80/v1/notes',
]

/** Headers that some framework or proxy trusts for the path, the method, the caller or a finished check. */
export const TRUSTED_BY_SOME: Readonly<Record<string, string>> = {
  // CVE-2025-29927
  'x-middleware-subrequest':
    'src/middleware:middleware:middleware:middleware:middleware:middleware',
  'x-middleware-next': '1',
  'x-middleware-rewrite': NOTES,
  'x-invoke-path': NOTES,
  'x-nextjs-data': '1',
  rsc: '1',
  'x-astro-path': NOTES,
  'x-sveltekit-pathname': NOTES,
  'x-sveltekit-invalidated': '1',
  'x-original-url': '/healthz',
  'x-rewrite-url': '/healthz',
  'x-http-method-override': 'OPTIONS',
  'x-forwarded-host': 'localhost',
  'x-forwarded-for': '127.0.0.1',
  'x-forwarded-user': 'alice',
  'x-auth-principal': 'alice',
  'x-amzn-oidc-identity': 'alice',
  'proxy-authorization': `Bearer ${TOKEN}`,
  cookie: `authorization=${TOKEN}`,
}
