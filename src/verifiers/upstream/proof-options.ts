import { parse } from '../../core/config/interpreter.ts'
import {
  invalidOption,
  invalidSecret,
  isOptionsObject,
  misusedOption,
  readOptions,
} from '../../core/config/option-checks.ts'
import { Problems, parseList } from '../../core/config/problems.ts'
import { parseNetwork } from './address.ts'
import { parseSecrets } from './signature.ts'
import type { FormOf } from '../../core/config/form.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { Network } from './address.ts'

/**
 * Proves that a request comes from your proxy: by a header with a secret, the signature of the gateway, or the address of the
 * proxy. `{ network: true }` asks for no proof. Use it only if the proxy alone can reach this server.
 */
export type UpstreamProof =
  | {
      /** The header in which the proxy sends the secret. It must remove a client's own. */
      readonly header: string
      /** 16 to 1,024 visible ASCII characters. Any secret of a list is good, so that you can rotate them. */
      readonly secret: string | readonly string[]
    }
  | {
      /** The header of the signature. The gateway sends `x-auth-signature`. */
      readonly signature: string
      /**
       * The `sign.secret` of the gateway, 16 to 1,024 visible ASCII characters. One secret for each upstream: the signature names
       * no host, so another server with the same secret could send a request on to this one. Any secret of a list is good.
       */
      readonly secret: string | readonly string[]
      /**
       * How long a signature is good, in seconds, from 1 to 3600. For so long a request can be repeated by whoever sees it.
       *
       * @default 60
       */
      readonly maxAgeSeconds?: number
    }
  | {
      /** The addresses of the proxies, single or as CIDRs. Needs `context.clientAddress` in the config of the guard. */
      readonly addresses: readonly string[]
    }
  | {
      /** `true` says that only the proxy can reach this server. Anyone else could name any caller. */
      readonly network: true
    }

export type ResolvedProof =
  | { readonly kind: 'header'; readonly header: string; readonly secrets: readonly string[] }
  | {
      readonly kind: 'signature'
      readonly header: string
      readonly secrets: readonly string[]
      readonly maxAgeSeconds: number
    }
  | {
      readonly kind: 'addresses'
      /** As they are written. */
      readonly addresses: readonly string[]
      readonly networks: readonly Network[]
    }
  | { readonly kind: 'network' }

const PROOFS = ['header', 'signature', 'addresses', 'network'] as const
const PROOF_NAMES = [...PROOFS, 'secret', 'maxAgeSeconds'] as const
const PROOF_FORM =
  '{ header, secret }, { signature, secret }, { addresses } or { network: true }: without a proof a client can name any caller'
const MAX_AGE: FormOf<number> = { kind: 'integer', default: 60, min: 1, max: 3600 }

/** The name of a header that carries a part of an identity, or its proof: none that holds credentials of another kind. */
export const IDENTITY_HEADER: FormOf<string | undefined> = {
  kind: 'text',
  pattern:
    /^(?!(?:authorization|cookie|proxy-authorization|sec-websocket-protocol)$)[\w!#$%&'*+.^`|~-]+$/i,
  isName: true,
  expected: 'the name of a header that has no other use',
}

/** @throws AuthConfigError */
export function parseProof(value: unknown, path: OptionPath): ResolvedProof {
  // A text may be the secret.
  if (!isOptionsObject(value)) throw invalidSecret(path, PROOF_FORM)
  const options = readOptions(value, PROOF_NAMES, path)
  const { header, signature, addresses, network, secret, maxAgeSeconds } = options
  const given = PROOFS.filter((name) => options[name] !== undefined)
  if (given.length !== 1) throw misusedOption(path, PROOF_FORM)
  if (secret !== undefined && header === undefined && signature === undefined) {
    throw misusedOption([...path, 'secret'], 'left out without `proof.header` or `proof.signature`')
  }
  if (maxAgeSeconds !== undefined && signature === undefined) {
    throw misusedOption([...path, 'maxAgeSeconds'], 'left out without `proof.signature`')
  }
  if (addresses !== undefined) return parseAddresses(addresses, [...path, 'addresses'])
  if (network !== undefined) {
    if (network === true) return { kind: 'network' }
    throw invalidOption([...path, 'network'], network, 'true, or left out for another proof')
  }
  const problems = new Problems()
  const kind = header === undefined ? 'signature' : 'header'
  const parsed = {
    secrets: problems.attempt(() => parseSecrets(secret, [...path, 'secret'])) ?? [],
    header:
      problems.attempt(() =>
        parse<string | undefined>(IDENTITY_HEADER, options[kind], [...path, kind]),
      ) ?? '',
  }
  const maxAge = problems.attempt(() =>
    parse<number>(MAX_AGE, maxAgeSeconds, [...path, 'maxAgeSeconds']),
  )
  problems.throwIfAny()
  return { kind, ...parsed, maxAgeSeconds: maxAge ?? 0 }
}

function parseAddresses(value: unknown, path: OptionPath): ResolvedProof {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalidOption(path, value, 'a list of at least one address or network')
  }
  const addresses = parseList(value, path, (item, itemPath) => {
    const network = typeof item === 'string' ? parseNetwork(item) : undefined
    if (network === undefined) {
      throw invalidOption(itemPath, item, 'an address, or a network such as "10.0.0.0/8"')
    }
    if (network.length > 0) return { text: String(item), network }
    throw invalidOption(
      itemPath,
      item,
      'the network of your proxies (for every network write `proof.network`)',
    )
  })
  return {
    kind: 'addresses',
    addresses: addresses.map(({ text }) => text),
    networks: addresses.map(({ network }) => network),
  }
}
