import { fromUpstream, TRUSTS_NETWORK } from '../../../verifiers/upstream/from-upstream.ts'
import { PROXY_SECRET } from '../../../verifiers/upstream/signature.ts'
import { unchecked } from './key-kinds.ts'
import { present, providerType } from './provider.ts'
import { inKeysOf } from './renamed.ts'
import type { Given, Made, ProviderType, Tools } from './provider.ts'
import type { Form } from '../../../core/config/form.ts'
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

const HEADER = unchecked('identityHeader')
const TEXT = { kind: 'text' } as const
const ATTRIBUTE_HEADER: Form = {
  kind: 'code',
  is: 'attributeHeader',
  isText: true,
  fields: { attribute: TEXT, separator: TEXT, json: { kind: 'choice', choices: [true] } },
  read: (value) => value,
}
const SECRET = { kind: 'text', pattern: PROXY_SECRET, isSecret: true } as const
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
    principalHeader: HEADER,
    tenantHeader: HEADER,
    attributesHeader: HEADER,
    scopesHeader: HEADER,
    clientHeader: HEADER,
    attributeHeaders: unchecked('attributeHeaders', { entries: ATTRIBUTE_HEADER }),
    trustedProxySecretHeader: HEADER,
    trustedProxySignatureHeader: HEADER,
    trustedProxySecret: unchecked('proxySecrets', { isText: true, isSecret: true, items: SECRET }),
    trustedProxyCidrs: unchecked('networks', { items: TEXT }),
    trustedNetwork: { kind: 'boolean', default: false },
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
