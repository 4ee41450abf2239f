import { runtimeFetch } from '../../core/endpoint/runtime-fetch.ts'
import { askService, warning } from '../ask.ts'
import { defineVerifier } from '../define-verifier.ts'
import { idOf } from '../id/id.ts'
import { INSECURE_HTTP, READS_TOKEN, withoutQuery } from '../options.ts'
import { isRandomKey } from '../random-key.ts'
import { judgeAnswer } from './answer.ts'
import { createFindUrl } from './metadata.ts'
import { parseIntrospectionOptions } from './options.ts'
import type { DefinedVerifier, Transport, Verdict, VerifierRun } from '../../core/verifier.ts'
import type { ServiceAnswer } from '../ask.ts'
import type { IntrospectionOptions, ParsedOptions } from './options.ts'

/** As many denials in a row are a mistake in the set-up rather than revoked tokens. */
const FIRST = 10
const ALL_INACTIVE = (option: string): string =>
  `The first ${FIRST} answers of the introspection endpoint are all "inactive". If good tokens were among them, check that they name the client of "client" in "aud", and that "${option}" has the host name of the tokens' issuer`

/**
 * Makes a verifier that asks an introspection endpoint (RFC 7662), as identity providers have for tokens that only they can
 * read. A token is allowed if the answer has `"active": true`, names a principal, and is within all other options. Refresh
 * tokens, ID tokens and tokens that are bound to a key are denied. A status such as 401 means that the endpoint rejects this
 * server: that is `service_error`, and a warning, and no denial of the caller.
 *
 * A decision is cached for the `allowTtlMs` of the cache, and never after the token's `exp`, whatever `Cache-Control` says: Keycloak and Hydra
 * forbid it with each answer. A revoked token works for as long.
 *
 * @throws AuthConfigError for options that cannot be used.
 *
 * @example
 * ```ts
 * import { memoryCache, withAuth } from 'with-auth'
 * import { introspection } from 'with-auth/verifiers'
 *
 * declare const env: { readonly CLIENT_SECRET: string }
 *
 * export default withAuth(() => new Response('hello'), {
 *   verifier: introspection({
 *     url: 'https://login.example.com/oauth2/introspect',
 *     client: { id: 'my-api', secret: env.CLIENT_SECRET },
 *     audience: 'my-api',
 *     attributes: { 'realm_access.roles': 'roles' },
 *   }),
 *   cache: memoryCache(),
 * })
 * ```
 */
export function introspection(options: IntrospectionOptions): DefinedVerifier {
  const parsed = parseIntrospectionOptions(options)
  const { url, accepts, allowInsecureHttp, fetch, ...rest } = parsed
  const transport = fetch ?? runtimeFetch
  const option = url === undefined ? 'issuer' : 'url'
  const watch = watchFirst(option)
  const findUrl =
    url === undefined
      ? createFindUrl({ issuer: parsed.issuer ?? '', allowInsecureHttp, fetch: transport })
      : () => url
  const { client: proof, ...rules } = rest
  const secrets = [proof.headers, proof.fields]
  const identifying = { type: 'introspection', url: url ?? '', fetch, secrets }
  const shownUrl = url === undefined ? {} : { url: withoutQuery(url) }
  const described = { ...shownUrl, client: proof.shown, ...rules, allowInsecureHttp }
  return defineVerifier({
    ask: async ({ token }, signal, run = {}) => {
      const asked = { ...parsed, url: await findUrl(signal, run), option }
      const answer = await ask(token, asked, transport, signal, run)
      const verdict = judgeAnswer(answer.json, rest)
      if (!isRandomKey(token)) watch(verdict, run)
      return verdict
    },
    reads: READS_TOKEN,
    label: 'introspection',
    warnings: allowInsecureHttp ? [INSECURE_HTTP] : [],
    describe: () => ({ type: 'introspection', ...described }),
    accepts,
    // Functions cannot be compared.
    id: accepts === undefined ? idOf({ ...identifying, options: [proof.shown, rules] }) : undefined,
  })
}

interface Asked {
  readonly url: string
  readonly client: ParsedOptions['client']
  /** Where the URL comes from. */
  readonly option: string
}

function ask(
  token: string,
  { url, client, option }: Asked,
  transport: Transport,
  signal: AbortSignal,
  run: VerifierRun,
): Promise<ServiceAnswer> {
  const body = new URLSearchParams({ token, ...client.fields }).toString()
  const headers = { ...client.headers, 'content-type': 'application/x-www-form-urlencoded' }
  const question = { method: 'POST', headers, body, signal, answered: run.answered } as const
  // RFC 7662 §2.3: a 401 is about this server. It must not read as a denial of every caller.
  const advise = (status: number): string => {
    const wrong = [400, 401, 403].includes(status) ? 'client' : option
    return `The introspection endpoint answered ${status}: check "${wrong}"`
  }
  return warning(run, advise, askService(transport, url, question))
}

/** Keycloak denies every token to a client that is not in `aud`, and to one that asks at another host name. */
function watchFirst(option: string): (verdict: Verdict, run: VerifierRun) => void {
  let count = 0
  return (verdict, run) => {
    count = verdict.outcome === 'deny' && verdict.detail === 'inactive' ? count + 1 : Infinity
    if (count === FIRST) run.warn?.(ALL_INACTIVE(option))
  }
}
