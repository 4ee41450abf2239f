import { OPTIONS, READS } from '../core/config/options.ts'
import { createEndpoint } from '../core/endpoint/endpoint.ts'
import { runtimeFetch } from '../core/endpoint/runtime-fetch.ts'
import { CheckedVerifier } from '../core/endpoint/checked-verifier.ts'
import { idOf } from './id/id.ts'
import { askBy, narrowQuestion } from './adapt.ts'
import {
  checkUrl,
  INSECURE_HTTP,
  parseVerifierOptions,
  SERVICE_URL,
  withoutQuery,
} from './options.ts'
import { TENANT_FIELD } from './tenancy.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { DefinedVerifier, ReadsConfig, Transport } from '../core/verifier.ts'
import type { Context } from '../core/request/question.ts'
import type { Verify } from '../core/endpoint/checked-verifier.ts'
import type { Table } from '../core/config/form.ts'

/** The options of {@link endpointVerifier}. Those of the same name of a guard say more about each. */
export interface EndpointVerifierOptions extends Pick<
  AuthConfig,
  'endpointHeaders' | 'allowInsecureHttp' | 'identity' | 'fetch'
> {
  /** The URL of the auth endpoint, with https, or with http on loopback. */
  readonly endpoint: string | URL
  /** The parts of a request that the endpoint gets, as those of a guard. `clientAddress: true` needs `context.clientAddress` there. */
  readonly context?: ReadsConfig
  /**
   * The path of the tenant in the body of a 200: names with dots between them. `\.` is a dot within a name. With it, and within
   * `tenancy`, a tenant of another type than text denies, and a body that cannot be read is a failure.
   *
   * @default 'tenant'
   */
  readonly tenantField?: string
  /** Whether a token may be one of this endpoint, by its shape alone. For `firstOf`; by default each may. */
  readonly accepts?: (token: string) => boolean
}

interface Parsed {
  readonly endpoint: string
  readonly endpointHeaders: Readonly<Record<string, string>>
  readonly allowInsecureHttp: boolean
  readonly identity: 'optional' | 'required'
  readonly tenantField: string | undefined
  readonly context: Context
  readonly accepts: ((token: string) => boolean) | undefined
  readonly fetch: Transport | undefined
}

const TABLE: Table<Parsed> = {
  endpoint: SERVICE_URL,
  endpointHeaders: OPTIONS.endpointHeaders,
  allowInsecureHttp: OPTIONS.allowInsecureHttp,
  identity: OPTIONS.identity,
  tenantField: TENANT_FIELD,
  context: { kind: 'group', default: {}, fields: READS },
  accepts: { kind: 'function' },
  fetch: { kind: 'function' },
}

/**
 * Makes a verifier that asks an auth endpoint, as `endpoint` of a guard does: for `firstOf`, which has several. The endpoint is
 * told what `context` says, also if the guard tells another verifier more. A cache needs `context.headers` as a list.
 *
 * @throws AuthConfigError for options that cannot be used.
 *
 * @example
 * ```ts
 * import { endpointVerifier } from 'with-auth/verifiers'
 *
 * export const verifier = endpointVerifier({
 *   endpoint: 'https://auth.example.com/validate',
 *   context: { headers: ['x-organization'], params: 'none', path: false },
 *   accepts: (token) => token.startsWith('sk-'),
 * })
 * ```
 */
export function endpointVerifier(options: EndpointVerifierOptions): DefinedVerifier {
  const parsed = parseVerifierOptions(TABLE, options, (given, _, problems) =>
    checkUrl('endpoint', given.endpoint, given.allowInsecureHttp, problems),
  )
  const { endpoint: url, endpointHeaders: headers, context, accepts, fetch, ...rest } = parsed
  const ask = createEndpoint({ ...rest, url, headers, fetch: fetch ?? runtimeFetch })
  const verify: Verify = (question, signal, run) =>
    ask(narrowQuestion(question, context), signal, run)
  const secrets = Object.keys(headers).map((name) => [name, '[redacted]'])
  const shown = { endpoint: withoutQuery(url), endpointHeaders: Object.fromEntries(secrets) }
  const identifying = { type: 'endpoint', url, fetch, options: [context, rest], secrets: headers }
  // Functions cannot be compared.
  const id = accepts === undefined ? idOf(identifying) : undefined
  return new CheckedVerifier({
    verify,
    ask: askBy(verify),
    consumes: [],
    reads: context,
    label: 'endpoint',
    warnings: rest.allowInsecureHttp ? [INSECURE_HTTP] : [],
    describe: () => ({
      type: 'endpoint',
      ...shown,
      context,
      ...rest,
      tenantField: rest.tenantField ?? 'tenant',
    }),
    accepts,
    id,
  })
}
