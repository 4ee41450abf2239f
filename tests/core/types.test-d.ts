import { Hono } from 'hono'
import { AuthUnavailableError, createAuthenticator, getAuth, withAuth } from '../../src/index.ts'
import { config, fits, handler, request, same, use } from '../support/types.ts'
import type {
  AccessEvent,
  Auth,
  AuthConfig,
  AuthConfigError,
  AuthenticationResult,
  Authenticator,
  AuthEvent,
  CircuitEvent,
  KeysEvent,
  StoreEvent,
  DecisionEvent,
  DenialReason,
  NoticeEvent,
  Question,
  UnavailableReason,
  Verdict,
} from '../../src/index.ts'
import type { Env } from '../support/types.ts'

export function allWaysToWriteAConfigCompile(): void {
  fits<AuthConfig>({
    endpoint: 'https://auth.example.test/validate',
    endpointHeaders: { 'x-shared-secret': 's' },
    context: { headers: ['accept'], params: 'lists', path: false, method: true },
    credentials: ['bearer', { header: 'x-api-key' }, { cookie: 'k' }, { webSocketProtocol: 'k.' }],
    public: ['/healthz', '/assets/*', { path: '/hooks/*', methods: ['POST'] }],
    unavailableStatus: 503,
    fetch: globalThis.fetch,
  })
  fits<AuthConfig>({ credentials: { header: 'x-api-key' }, fetch: globalThis.fetch })
  fits<AuthConfig>({ endpoint: new URL('https://auth.example.test/validate') })
  // A constant config is a config.
  fits<AuthConfig>({ public: ['/healthz'], context: { headers: [] } } as const)
}

export async function anAuthenticatorSaysWhoOrWhatToAnswer(): Promise<void> {
  const authenticate = createAuthenticator(config)
  const result = await authenticate(request)
  same<typeof result, AuthenticationResult>()
  // @ts-expect-error -- only after a check of ok
  use(result.auth)
  // @ts-expect-error -- only after a check of ok
  use(result.response)
  if (!result.ok) {
    same<typeof result.reason, DenialReason | 'resource_metadata'>()
    same<typeof result.response, Response>()
    return
  }
  same<typeof result.auth, Auth | undefined>()

  const ofEnv = createAuthenticator((env: Env) => ({ endpoint: env.AUTH_ENDPOINT }))
  same<typeof ofEnv, Authenticator<[env: Env]>>()
  use(ofEnv(request, { AUTH_ENDPOINT: '' }))
  // @ts-expect-error -- the config function needs its env
  use(ofEnv(request))
}

export function theIdentityIsReadOnly(): void {
  const identity = getAuth(request)
  same<typeof identity, Auth>()
  same<typeof identity.principal, string | undefined>()
  const roles = identity.attributes['roles']
  same<typeof roles, readonly string[] | undefined>()
  // @ts-expect-error -- frozen
  identity.principal = 'root'
  // @ts-expect-error -- frozen
  identity.attributes = {}
  // @ts-expect-error -- frozen
  identity.attributes['roles'] = ['admin']
  // @ts-expect-error -- frozen
  identity.attributes['roles']?.push('admin')
}

export function onlyARequestHasAnIdentity(): void {
  // @ts-expect-error -- a URL is not a Request
  getAuth('https://api.example.test/')
  // @ts-expect-error -- an object with headers is not a Request
  getAuth({ headers: new Headers() })
  // @ts-expect-error -- use c.req.raw
  new Hono().get('/', (c) => c.json(getAuth(c.req)))
}

export function eventsAndReasonsAreUnions(): void {
  const onEvent = (event: AuthEvent): void => {
    if (event.type === 'decision') return same<typeof event, DecisionEvent>()
    if (event.type === 'access') return same<typeof event, AccessEvent>()
    if (event.type === 'circuit') return same<typeof event, CircuitEvent>()
    if (event.type === 'keys') return same<typeof event, KeysEvent>()
    if (event.type === 'store') return same<typeof event, StoreEvent>()
    same<typeof event, NoticeEvent>()
  }
  withAuth(handler, { ...config, onEvent })
  withAuth(handler, {
    ...config,
    onEvent: (event) => {
      same<typeof event, AuthEvent>()
      // @ts-expect-error -- an event holds no token
      use(event.token)
    },
    respond: (denial, given) => {
      same<typeof denial.reason, DenialReason>()
      same<typeof given, Request>()
      return new Response(denial.message, { status: denial.status })
    },
  })
}

export function aVerifierAnswersQuestions(): void {
  withAuth(handler, {
    verifier: (question, signal) => {
      same<typeof question, Question>()
      same<typeof signal, AbortSignal>()
      if (question.request.path === '') throw new AuthUnavailableError('unreachable')
      return question.token === 'k1' ? { outcome: 'allow', principal: 'a' } : { outcome: 'deny' }
    },
  })
  withAuth(handler, { verifier: async () => ({ outcome: 'deny', maxAgeMs: 0 }) })
  fits<Verdict>({ outcome: 'allow', attributes: { roles: ['admin'] } })
  // Claims and headers may be absent, also for a compiler that tells absent from undefined.
  const claims: { sub?: string; roles?: string[]; maxAgeMs?: number } = {}
  withAuth(handler, {
    verifier: () => ({
      outcome: 'allow',
      principal: claims.sub,
      attributes: claims.roles && { roles: claims.roles },
      maxAgeMs: claims.maxAgeMs,
    }),
  })
  fits<Verdict>({ outcome: 'deny', maxAgeMs: claims.maxAgeMs })
  fits<Verdict>({ outcome: 'allow', attributes: { roles: 'admin' } })
  // @ts-expect-error -- an attribute is a string or a list of strings
  fits<Verdict>({ outcome: 'allow', attributes: { quota: 5 } })
  // @ts-expect-error -- a denial has no principal
  fits<Verdict>({ outcome: 'deny', principal: 'a' })
}

export function errorsHaveCodes(error: AuthConfigError | AuthUnavailableError): void {
  if (error.code === 'invalid_config') return same<typeof error.option, string>()
  same<typeof error.reason, UnavailableReason>()
  same<typeof error.retryAfterMs, number | undefined>()
  use(new AuthUnavailableError('timeout', { retryAfterMs: 1000, cause: error }))
  // @ts-expect-error -- a denial is not a failure
  use(new AuthUnavailableError('denied'))
}
