import { misusedOption } from '../../../core/config/option-checks.ts'
import { fromUpstream, TRUSTS_NETWORK } from '../../../verifiers/upstream/from-upstream.ts'
import { boolean } from '../../../core/config/kinds.ts'
import { present, providerType, unchecked } from './provider.ts'
import { inKeysOf } from './renamed.ts'
import type { Made, ProviderType, Tools } from './provider.ts'
import type { Names } from './renamed.ts'

/** `fromUpstream` checks those that are unknown here. */
interface UpstreamKeys {
  readonly principalHeader: unknown
  readonly tenantHeader: unknown
  readonly attributesHeader: unknown
  readonly attributeHeaders: unknown
  readonly trustedProxySecretHeader: unknown
  readonly trustedProxySignatureHeader: unknown
  readonly trustedProxySecret: unknown
  readonly trustedProxyCidrs: unknown
  readonly trustedNetwork: boolean
}

const HEADER = { kind: 'header', scalar: 'string' } as const
const TEXT = { kind: 'text', scalar: 'string' } as const
const SECRET = { ...TEXT, isSecret: true } as const
const ONE_OF =
  'a mapping with one of `trustedProxySecretHeader`, `trustedProxySignatureHeader`, `trustedProxyCidrs` and `trustedNetwork`: without a proof a client can name any caller'

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
    attributeHeaders: unchecked({ kind: 'attributeHeaders', entries: TEXT, default: {} }),
    trustedProxySecretHeader: unchecked(HEADER),
    trustedProxySignatureHeader: unchecked(HEADER),
    trustedProxySecret: unchecked({ ...SECRET, kind: 'secrets', items: SECRET }),
    trustedProxyCidrs: unchecked({ kind: 'networks', items: TEXT }),
    trustedNetwork: boolean(false),
  },
  make,
)

function make(keys: UpstreamKeys, { quote }: Tools): Made {
  const { principalHeader, tenantHeader, attributesHeader, attributeHeaders } = keys
  const options = present({
    principalHeader,
    tenantHeader,
    attributesHeader,
    attributeHeaders,
    proof: proofOf(keys),
  })
  const part = inKeysOf(NAMES, () => fromUpstream(options as never))
  const { verifier } = part
  const described = Object(verifier.describe?.()) as Partial<UpstreamKeys>
  return {
    part,
    rewords: TRUSTS_NETWORK,
    warnings: keys.trustedNetwork ? [ofNetwork(quote)] : [],
    lacksTenant: described.tenantHeader === undefined ? 'set "tenant_header"' : undefined,
    // With a signature they have a default.
    defaults: {
      tenantHeader: described.tenantHeader,
      attributesHeader: described.attributesHeader,
    },
  }
}

function proofOf(keys: UpstreamKeys): object {
  const { trustedProxySecretHeader: header, trustedProxySignatureHeader: signature } = keys
  const { trustedProxySecret: secret, trustedProxyCidrs: addresses } = keys
  const network = keys.trustedNetwork ? true : undefined
  const proofs = [header, signature, addresses, network].filter((proof) => proof !== undefined)
  if (proofs.length !== 1) throw misusedOption([], ONE_OF)
  const isSecretNeeded = header !== undefined || signature !== undefined
  if (isSecretNeeded && secret === undefined) {
    throw misusedOption(['trustedProxySecret'], 'given: it is what the proxy proves itself with')
  }
  return present({ header, signature, secret, addresses, network })
}

function ofNetwork(quote: Tools['quote']): string {
  return `${quote('trusted_network')} is true: whoever can reach this server can name any caller. Prefer "trusted_proxy_signature_header" or "trusted_proxy_secret_header" with "trusted_proxy_secret", or "trusted_proxy_cidrs"`
}
