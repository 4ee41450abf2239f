import { includes, parseAddress } from './address.ts'
import { createSignatureCheck } from './signature.ts'
import type { DenyDetail } from '../../core/types.ts'
import type { Question } from '../../core/verifier.ts'
import type { ResolvedProof } from './proof-options.ts'
import type { Signature, Statement } from './signature.ts'

/** Whether a request comes from the proxy, and what its signature says. */
export type ProofResult =
  | ({ readonly isProven: true } & Partial<Signature>)
  | { readonly isProven: false; readonly detail: DenyDetail }

export type CheckProof = (
  request: Question['request'],
  statement: Statement,
) => ProofResult | Promise<ProofResult>

const PROVEN: ProofResult = { isProven: true }
const UNPROVEN: ProofResult = { isProven: false, detail: 'proof' }
const OUTSIDE: ProofResult = { isProven: false, detail: 'address' }

export function createProofCheck(proof: ResolvedProof): CheckProof {
  if (proof.kind === 'network') return () => PROVEN
  if (proof.kind === 'addresses') {
    return ({ clientAddress }) => {
      const address = clientAddress === undefined ? undefined : parseAddress(clientAddress)
      if (address === undefined) return OUTSIDE
      return proof.networks.some((network) => includes(network, address)) ? PROVEN : OUTSIDE
    }
  }
  if (proof.kind === 'signature') {
    const checkSignature = createSignatureCheck(proof)
    return async ({ headers }, statement) => {
      const signature = await checkSignature(headers[proof.header], statement)
      return signature === undefined ? UNPROVEN : { isProven: true, ...signature }
    }
  }
  const isSecret = createSecretCheck(proof.secrets)
  return async ({ headers }) => ((await isSecret(headers[proof.header])) ? PROVEN : UNPROVEN)
}

// The time to compare hashes reveals nothing about a secret. Hashed at the first use: Workers allow no crypto while they start.
function createSecretCheck(
  secrets: readonly string[],
): (sent: string | undefined) => Promise<boolean> {
  let hashes: readonly Uint8Array[] | undefined
  return async (sent = '') => {
    hashes ??= await Promise.all(secrets.map(hash))
    const sentHash = await hash(sent)
    return hashes.map((one) => isEqual(one, sentHash)).includes(true)
  }
}

async function hash(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.reduce((difference, byte, index) => difference | (byte ^ (other[index] ?? 0)), 0) === 0
}
