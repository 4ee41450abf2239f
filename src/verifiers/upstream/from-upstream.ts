import { emptyRecord } from '../../core/runtime.ts'
import { trimBlanks } from '../../core/request/credentials.ts'
import { describeAttributeHeaders } from './attribute-headers.ts'
import { define } from '../define-verifier.ts'
import { fromHeaderValue } from './header-text.ts'
import { isRefused, readAttributes, readersOf, readScopes, readValues } from './identity.ts'
import { parseUpstreamOptions } from './options.ts'
import { createProofCheck } from './proof.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type {
  AskVerifier,
  ReadsConfig,
  DefinedVerifier,
  Question,
  Verdict,
  VerifierRun,
} from '../../core/verifier.ts'
import type { VerifierDefinition } from '../define-verifier.ts'
import type { Refused } from './identity.ts'
import type { ResolvedUpstream, UpstreamOptions } from './options.ts'
import type { ResolvedProof } from './proof-options.ts'
import type { Statement } from './signature.ts'

/** The part of a config that {@link fromUpstream} makes. */
export interface UpstreamConfig extends Required<Pick<AuthConfig, 'credentials'>> {
  readonly verifier: DefinedVerifier
}

type Headers = Question['request']['headers']
type Allow = Extract<Verdict, { outcome: 'allow' }>

const REDACTED = '[redacted]'
const NO_ATTRIBUTES = 'is no JSON object of texts and lists of texts, in ASCII'

export const TRUSTS_NETWORK: string =
  'proof.network is true: whoever can reach this server can name any caller. ' +
  'Prefer { header, secret }, { signature, secret } or { addresses }'

/**
 * Takes the identity from headers of a proxy in front, such as the gateway of this package, oauth2-proxy or Envoy. It makes the
 * part of a config that reads them; spread it into the config of `withAuth`.
 *
 * A request without the principal header gets a 401, and one without the proof a 403. Every header is read by its exact name, and
 * one that comes twice is rejected. The proxy must remove what a client sends in these headers, in every spelling.
 *
 * Principal, tenant, scopes and client ID are percent-decoded only with `proof.signature`, since the gateway of this package encodes
 * them, unless its signature says that it wrote UTF-8. With another proof they are taken as they are: `a%20b` is not `a b`. The principal may then have blanks, commas and UTF-8. A comma with
 * a blank behind it is rejected, since two headers look the same. A warning and `cause` of the event say why a header is refused.
 *
 * A signature covers the time, the method, the path and the identity, and neither host, query nor body. It can be sent again
 * until it ends, also to another server with the same secret: use one secret for each upstream. A decision by signature is not used for longer than its signature.
 *
 * @throws AuthConfigError for an invalid option. A proof is required.
 *
 * @example
 * ```ts
 * import { getAuth, withAuth } from 'with-auth'
 * import { fromUpstream } from 'with-auth/verifiers'
 *
 * export const createServer = (secret: string) =>
 *   withAuth((request: Request) => new Response(`Hello ${getAuth(request).principal}`), {
 *     ...fromUpstream({
 *       principalHeader: 'x-auth-principal',
 *       proof: { signature: 'x-auth-signature', secret },
 *     }),
 *   })
 * ```
 */
export function fromUpstream(options: UpstreamOptions): UpstreamConfig {
  const upstream = parseUpstreamOptions(options)
  const { principalHeader, proof } = upstream
  const definition: VerifierDefinition = {
    ask: createAsk(upstream),
    reads: readsOf(upstream),
    consumes: headersOf(upstream),
    namesCaller: true,
    local: true,
    label: 'upstream',
    warnings: proof.kind === 'network' ? [TRUSTS_NETWORK] : [],
    describe: () => ({
      ...upstream,
      attributeHeaders: describeAttributeHeaders(upstream.attributeHeaders),
      proof: describeProof(proof),
    }),
  }
  const verifier = define(definition, proof.kind === 'network' ? true : undefined)
  return { credentials: { header: principalHeader }, verifier }
}

/** Exactly what the verifier looks at, since a cached decision is used only for requests that are equal in that. */
function readsOf(upstream: ResolvedUpstream): ReadsConfig {
  const { proof } = upstream
  const isSigned = proof.kind === 'signature'
  return Object.freeze({
    headers: headersOf(upstream),
    params: 'none',
    path: isSigned,
    method: isSigned,
    clientAddress: proof.kind === 'addresses',
  })
}

function headersOf(upstream: ResolvedUpstream): readonly string[] {
  const { proof, principalHeader, tenantHeader, attributesHeader, attributeHeaders } = upstream
  const { scopesHeader, clientHeader } = upstream
  const proofHeader = 'header' in proof ? proof.header : undefined
  const headers = [
    principalHeader,
    tenantHeader,
    attributesHeader,
    scopesHeader,
    clientHeader,
    proofHeader,
  ]
  return [
    ...headers.filter((name) => name !== undefined),
    ...attributeHeaders.map(({ header }) => header),
  ]
}

function createAsk(upstream: ResolvedUpstream): AskVerifier {
  const { principalHeader, tenantHeader, attributesHeader, scopesHeader, clientHeader } = upstream
  const checkProof = createProofCheck(upstream.proof)
  const wrongSource = `"credentials" must be { header: "${principalHeader}" }, as fromUpstream makes it`
  return async ({ token, request }, _signal, run = {}) => {
    const { headers, path, method = '' } = request
    const sent = {
      principal: token,
      tenant: valueOf(headers, tenantHeader),
      attributes: valueOf(headers, attributesHeader),
      scopes: valueOf(headers, scopesHeader),
      client: valueOf(headers, clientHeader),
    }
    const result = await checkProof(request, { method, path, ...signedTexts(sent) })
    if (!result.isProven) {
      return { outcome: 'deny', reason: 'forbidden', detail: result.detail, maxAgeMs: 0 }
    }
    // The proxy vouches only for the name in its header, and not for a token from elsewhere.
    if (trimBlanks(valueOf(headers, principalHeader)) !== token) {
      run.warn?.(wrongSource)
      return { outcome: 'deny', detail: 'malformed' }
    }
    const [readPrincipal, readPlain] = readersOf(result.encoding)
    const principal = readPrincipal(token)
    if (isRefused(principal)) return refuse(principalHeader, principal, run)
    const read = readAllAttributes(upstream, headers)
    if (isRefused(read)) return refuse(read.header, read, run)
    const scopes = readScopes(sent.scopes, readPlain)
    if (isRefused(scopes)) return refuse(scopesHeader, scopes, run)
    const clientId = sent.client === '' ? undefined : readPlain(sent.client)
    if (isRefused(clientId)) return refuse(clientHeader, clientId, run)
    const tenant = sent.tenant === '' ? undefined : readPlain(sent.tenant)
    if (isRefused(tenant)) return refuse(tenantHeader, tenant, run, 'tenant')
    const facts = { ...read, scopes, clientId, tenant }
    return { outcome: 'allow', principal, ...facts, expiresAt: result.endsAt }
  }
}

function textOf(value: string): string {
  return fromHeaderValue(value) ?? value
}

// Text is signed. A value that is not UTF-8 is refused later, with any signature.
function signedTexts(sent: Omit<Statement, 'method' | 'path'>): typeof sent {
  const { principal, tenant, scopes, client } = sent
  const names = { principal: textOf(principal), tenant: textOf(tenant) }
  return { ...sent, ...names, scopes: textOf(scopes), client: textOf(client) }
}

/** The denial for a header whose value has no certain meaning. The warning and the event say why, and show nothing of it. */
function refuse(
  header: string | undefined,
  { why }: Refused,
  run: VerifierRun,
  detail: 'malformed' | 'tenant' = 'malformed',
): Verdict {
  const cause = `The header "${header}" ${why}`
  run.warn?.(cause)
  return { outcome: 'deny', detail, cause }
}

/** The value of a header, or `''` if it is missing or not read. */
function valueOf(headers: Headers, name: string | undefined): string {
  return name === undefined ? '' : (headers[name] ?? '')
}

function readAllAttributes(
  { attributesHeader, attributeHeaders }: ResolvedUpstream,
  headers: Headers,
): Pick<Allow, 'attributes'> | (Refused & { readonly header: string | undefined }) {
  const json = valueOf(headers, attributesHeader)
  const named = json === '' ? {} : readAttributes(json)
  if (named === undefined) return { header: attributesHeader, why: NO_ATTRIBUTES }
  const attributes = Object.assign(emptyRecord<readonly string[]>(), named)
  for (const form of attributeHeaders) {
    const { header, attribute } = form
    const value = trimBlanks(valueOf(headers, header))
    const values = value === '' ? [] : readValues(value, form)
    if (isRefused(values)) return { header, ...values }
    if (values.length > 0) attributes[attribute] = [...(attributes[attribute] ?? []), ...values]
  }
  return { attributes }
}

/** The proof without its secret. */
function describeProof(proof: ResolvedProof): object {
  if (proof.kind === 'network') return { network: true }
  if (proof.kind === 'addresses') return { addresses: proof.addresses }
  if (proof.kind === 'header') return { header: proof.header, secret: REDACTED }
  const { header: signature, maxAgeSeconds } = proof
  return { signature, secret: REDACTED, maxAgeSeconds }
}
