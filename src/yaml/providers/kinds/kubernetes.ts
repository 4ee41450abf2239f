import { API_SERVER_URL } from '../../../verifiers/kubernetes/own-address.ts'
import { BY_ITSELF, kubernetesToken } from '../../../verifiers/kubernetes/kubernetes-token.ts'
import { ATTRIBUTES, CLAIM_PATH, TEXTS } from '../../../verifiers/options.ts'
import { VERIFY_TLS } from './key-kinds.ts'
import { present, providerType } from './provider.ts'
import { inKeysOf } from './renamed.ts'
import type { Given, Made, ProviderType, Tools } from './provider.ts'
import type { Names } from './renamed.ts'

interface KubernetesKeys {
  readonly apiServerUrl: string
  readonly audiences: readonly string[] | undefined
  readonly reviewerTokenFile: string | undefined
  readonly claimsMapping: Readonly<Record<string, string>>
  readonly tenantClaim: string | undefined
  readonly verifyTls: true
  readonly tlsCafile: string | undefined
}

const NAMES: Names = {
  attributes: 'claimsMapping',
  tenant: 'tenantClaim',
  fetch: 'tlsCafile',
  token: 'reviewerTokenFile',
  apiServerUrl: 'apiServerUrl',
  review: 'audiences',
}

/** Tokens of the service accounts and users of a cluster. */
export const KUBERNETES: ProviderType = providerType<KubernetesKeys>(
  {
    apiServerUrl: API_SERVER_URL,
    audiences: TEXTS,
    reviewerTokenFile: { kind: 'text' },
    claimsMapping: { ...ATTRIBUTES, default: { username: 'roles', groups: 'roles' } },
    tenantClaim: CLAIM_PATH,
    verifyTls: VERIFY_TLS,
    tlsCafile: { kind: 'text' },
  },
  make,
  {
    aliases: { caCertPath: 'tlsCafile' },
    lacksTenant: (has) => (has('tenantClaim') ? undefined : 'set "tenant_claim"'),
  },
)

function make(keys: Given<KubernetesKeys>, tools: Tools): Made {
  const { apiServerUrl, audiences, claimsMapping: attributes, tenantClaim: tenant } = keys
  const { files, has, quote } = tools
  const { reviewerTokenFile = audiences === undefined ? undefined : files?.podTokenFile } = keys
  if (has('reviewerTokenFile') && !has('audiences')) {
    tools.reject(['reviewerTokenFile'], 'left out without `audiences`')
  }
  const ofPod: string[] = []
  const fetch =
    tools.fetch ?? files?.podTransport(apiServerUrl, (message) => void ofPod.push(message))
  const review =
    audiences === undefined
      ? { review: 'self' as const }
      : { audiences, token: readerOf(reviewerTokenFile, tools) }
  const options = present({
    ...review,
    apiServerUrl,
    attributes,
    tenant,
    allowInsecureHttp: tools.allowInsecureHttp,
    fetch: tools.watched(fetch),
  })
  const verifier = inKeysOf(NAMES, () => kubernetesToken(options))
  return {
    part: { verifier },
    names: NAMES,
    rewords: BY_ITSELF,
    warnings: [
      ...(audiences === undefined ? [ofSelf(quote, tools.isOlder)] : []),
      ...(tools.hasRules ? [] : [NO_RULES]),
      ...ofPod,
    ],
    defaults: { reviewerTokenFile },
  }
}

function readerOf(file: string | undefined, { files, reject }: Tools): () => string {
  if (file !== undefined && files !== undefined) return () => files.readText(file)
  reject(['audiences'], NEEDS_FILE)
  return () => ''
}

const NO_RULES =
  '"server.auth.route_policy" is missing: any account of any namespace can get such a token, and may do everything here. Add rules that name the namespaces or the accounts, such as when: user with prod in namespace'

const NEEDS_FILE =
  'left out for parseConfig: the token of this server is in a file, and parseConfig reads none: use loadConfig'

function ofSelf(quote: Tools['quote'], isOlder: boolean): string {
  const rights = isOlder
    ? '. Its groups and its username are roles of the caller: check them, or set "claims_mapping"'
    : ''
  return `${quote('audiences')} is missing: every pod has such a token, and this server could act in the cluster by it. Set it to a name of this server, and let pods send tokens for that${rights}`
}
