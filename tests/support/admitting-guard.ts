import { createCredentialsReader } from '../../src/core/request/credentials.ts'
import { createDenials } from '../../src/core/response/denial.ts'
import type { Guard, SecretSource } from '../../src/core/response/admission.ts'

/** A guard that admits requests, with these places for secrets, and else with the defaults. */
export function admittingGuard(secretSources: readonly SecretSource[] = ['bearer']): Guard {
  return {
    config: { mode: 'enforce', resource: false, scopeImplies: undefined, requestIdHeader: false },
    denials: createDenials({
      realm: 'api',
      unavailableStatus: 401,
      respond: undefined,
      notify: () => undefined,
    }),
    report: undefined,
    readCredentials: createCredentialsReader(['bearer'], 'token68'),
    secretSources,
  }
}
