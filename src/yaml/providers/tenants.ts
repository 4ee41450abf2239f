import { parse } from '../../core/config/interpreter.ts'
import { parseVerifier } from '../../core/config/verifier.ts'
import { endpointVerifier } from '../../verifiers/endpoint-verifier.ts'
import { redefine } from '../../verifiers/define-verifier.ts'
import { withoutQuery } from '../../verifiers/options.ts'
import { TENANT_OPTION, withTenancy } from '../../verifiers/tenancy.ts'
import { attempt } from '../option-problems.ts'
import { present } from './kinds/provider.ts'
import type { EndpointVerifierOptions } from '../../verifiers/endpoint-verifier.ts'
import type { Transport } from '../../core/verifier.ts'
import type { TenancyOptions } from '../../verifiers/tenancy.ts'
import type { Reading } from '../origins.ts'
import type { Values } from '../values.ts'
import type { Part } from './make.ts'

/** The tenants of a file. `undefined` if it says nothing. */
export type Tenants = Required<TenancyOptions> | undefined

/** Options of an endpoint whose tenants matter. Those of a plain one are options of the guard. */
export const OF_ENDPOINT = [
  'endpoint',
  'endpointHeaders',
  'allowInsecureHttp',
  'tenantField',
] as const

/** Reads `tenant`, and adds its problems. */
export function readTenants({ tenant }: Values, reading: Reading): Tenants {
  const parsed = attempt(() => parse(TENANT_OPTION, tenant, ['tenant']), reading)
  return parsed === false ? undefined : parsed
}

/** Makes the verifier of an endpoint, or returns `undefined` and adds its problems. */
export function makeEndpoint(
  options: Values,
  reading: Reading,
  fetch?: Transport,
): Part | undefined {
  const { endpoint, endpointHeaders, allowInsecureHttp, tenantField, identity, context } = options
  const given = present({
    endpoint,
    endpointHeaders,
    allowInsecureHttp,
    tenantField,
    identity,
    context,
    fetch,
  })
  // The function checks them.
  const make = (): Part => ({ verifier: endpointVerifier(given as EndpointVerifierOptions) })
  const made = attempt(make, reading)
  if (made === undefined) return undefined
  const headers = Object.keys(Object(endpointHeaders)).map((name) => [name, '[redacted]'])
  const shown = {
    endpoint: withoutQuery(String(endpoint)),
    allow_insecure_http: allowInsecureHttp === true,
    tenant_field: tenantField ?? 'tenant',
    ...(headers.length === 0 ? {} : { endpoint_headers: Object.fromEntries(headers) }),
  }
  const verifier = redefine(parseVerifier(made.verifier, ['verifier']), {
    // Events of an endpoint name no verifier, and its warning is that of the key.
    label: undefined,
    // The values of headers as well, as in the scope of a plain endpoint.
    id: JSON.stringify(['endpoint', given]),
    describe: () => shown,
  })
  return { verifier }
}

/** Puts what a file says of tenants around what decides. */
export function withTenants(part: Part, tenants: Tenants): Part {
  if (tenants === undefined) return part
  const inner = parseVerifier(part.verifier, ['verifier'])
  const describe = (): object => ({ ...inner.describe(), tenant: tenants })
  return { ...part, verifier: redefine(withTenancy(inner, tenants), { describe }) }
}
