import { admissionOf, guardsOf } from '../../src/core/response/admission.ts'
import { authenticated } from '../../src/testing.ts'
import type { Guards, SecretSource } from '../../src/core/response/admission.ts'

/** A guard that admits requests, with these places for secrets, and else with the defaults. */
export function admittingGuard(secretSources: readonly SecretSource[] = ['bearer']): Guards {
  const entry = admissionOf(authenticated(new Request('https://api.example.test/')))
  if (entry === undefined) throw new Error('The Request was not marked')
  return guardsOf({ ...entry.guards.deciding, secretSources })
}
