import { fromUpstream, TRUSTS_NETWORK } from '../../../verifiers/upstream/from-upstream.ts'
import { PROXY_SECRET } from '../../../verifiers/upstream/signature.ts'
import { boolean } from '../../../core/config/kinds.ts'
import { unchecked } from './key-kinds.ts'
import { present, providerType } from './provider.ts'
import { inKeysOf } from './renamed.ts'
import type { Given, Made, ProviderType, Tools } from './provider.ts'
import type { Names } from './renamed.ts'

/** `fromUpstream` checks those that are unknown here. */
interface UpstreamKeys {
  readonly principalHeader: unknown
  readonly tenantHeader: unknown
  readonly attributesHeader: unknown
  readonly scopesHeader: unknown
  readonly clientHeader: unknown
  readonly attributeHeaders: unknown
  readonly trustedProxySecretHeader: unknown
  readonly trustedProxySignatureHeader: unknown
  readonly trustedProxySecret: unknown
  readonly trustedProxyCidrs: unknown
  readonly trustedNetwork: boolean
}

const HEADER = { kind: 'identityHeader', scalar: 'string' } as const
const TEXT = { kind: 'text', scalar: 'string' } as const
const ATTRIBUTE_HEADER = {
  kind: 'attributeHeader',
  scalar: 'string',
  fields: {
    attribute: unchecked(TEXT),
    separator: unchecked(TEXT),
    json: unchecked({ kind: 'true', scalar: 'boolean' }),
  },
} as const
const SECRET = {
  kind: 'matching',
  scalar: 'string',
  isSecret: true,
  pattern: PROXY_SECRET,
} as const
const ONE_OF =
  'a mapping with one of `trustedProxySecretHeader`, `trustedProxySignatureHeader`, `trustedProxyCidrs` and `trustedNetwork`: without a proof a client can name any caller'

const PROOFS = [
  'trustedProxySecretHeader',
  'trustedProxySignatureHeader',
  'trustedProxyCidrs',
] as const

const NAMES: Names = {
  proof: '',
  'proof.header': 'trustedProxySecretHeader',
  'proof.signature': 'trustedProxySignatureHeader',
  'proof.secret': 'trustedProxySecret',
  'proof.addresses': 'trustedProxyCidrs',
  'proof.network': 'trustedNetwork',
}

/** Identities that a proxy in front sends in headers. */
export const UPSTREAM: ProviderType = providerType<UpstreamKeys>(
  {
    principalHeader: unchecked(HEADER),
    tenantHeader: unchecked(HEADER),
    attributesHeader: unchecked(HEADER),
    scopesHeader: unchecked(HEADER),
    clientHeader: unchecked(HEADER),
    attributeHeaders: unchecked({
      kind: 'attributeHeaders',
      entries: ATTRIBUTE_HEADER,
      default: {},
    }),
    trustedProxySecretHeader: unchecked(HEADER),
    trustedProxySignatureHeader: unchecked(HEADER),
    trustedProxySecret: unchecked({ ...SECRET, kind: 'proxySecrets', items: SECRET }),
    trustedProxyCidrs: unchecked({ kind: 'networks', items: TEXT }),
    trustedNetwork: boolean(false),
  },
  make,
  {
    // With a signature it has a default.
    lacksTenant: (has) =>
      has('tenantHeader') || has('trustedProxySignatureHeader') ? undefined : 'set "tenant_header"',
  },
)

function make(keys: Given<UpstreamKeys>, tools: Tools): Made {
  const { principalHeader, tenantHeader, attributesHeader, attributeHeaders } = keys
  const { scopesHeader, clientHeader } = keys
  const options = present({
    principalHeader,
    tenantHeader,
    attributesHeader,
    scopesHeader,
    clientHeader,
    attributeHeaders,
    proof: proofOf(keys, tools),
  })
  const part = inKeysOf(NAMES, () => fromUpstream(options as never))
  const { verifier } = part
  const described = Object(verifier.describe?.()) as Partial<UpstreamKeys>
  return {
    part,
    rewords: TRUSTS_NETWORK,
    warnings: keys.trustedNetwork === true ? [ofNetwork(tools.quote)] : [],
    // With a signature they have a default.
    defaults: {
      tenantHeader: described.tenantHeader,
      attributesHeader: described.attributesHeader,
      scopesHeader: described.scopesHeader,
      clientHeader: described.clientHeader,
    },
  }
}

function proofOf(keys: Given<UpstreamKeys>, { has, reject }: Tools): object {
  const { trustedProxySecretHeader: header, trustedProxySignatureHeader: signature } = keys
  const { trustedProxySecret: secret, trustedProxyCidrs: addresses } = keys
  const [first, ...more] = PROOFS.filter((name) => has(name))
  // A wrong `trusted_network` is a problem already.
  const { trustedNetwork: network = first === undefined } = keys
  if ((first === undefined) !== network || more.length > 0) reject([], ONE_OF)
  // The other keys are checked anyway.
  if (first === undefined) return present({ network: true, secret: network ? secret : undefined })
  if (first === 'trustedProxyCidrs') return present({ addresses, secret })
  if (!has('trustedProxySecret')) {
    reject(['trustedProxySecret'], 'given: it is what the proxy proves itself with')
  }
  return present(first === 'trustedProxySecretHeader' ? { header, secret } : { signature, secret })
}

function ofNetwork(quote: Tools['quote']): string {
  return `${quote('trusted_network')} is true: whoever can reach this server can name any caller. Prefer "trusted_proxy_signature_header" or "trusted_proxy_secret_header" with "trusted_proxy_secret", or "trusted_proxy_cidrs"`
}
