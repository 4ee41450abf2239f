import type { ParsedVerdict, TimedAsk } from './verdict.ts'
import type { TenantConfig } from '../auth-config.ts'

const TENANT = /^[a-z\d][\w-]{0,127}$/

/** The one form of a tenant, or `undefined` if it is none. */
export function normaliseTenant(tenant: string): string | undefined {
  const normal = tenant.trim().toLowerCase()
  return TENANT.test(normal) ? normal : undefined
}

/** Gives every allow the tenant that the config demands, and denies without one. */
export function requireTenant(next: TimedAsk, config: Required<TenantConfig>): TimedAsk {
  return async (check, deadline, signal) => withTenant(await next(check, deadline, signal), config)
}

function withTenant(verdict: ParsedVerdict, config: Required<TenantConfig>): ParsedVerdict {
  if (verdict.outcome === 'deny') return verdict
  const { mode, default: byDefault } = config
  const { auth } = verdict
  const found = mode === 'single' ? byDefault : (auth.tenant ?? byDefault)
  const tenant = normaliseTenant(found)
  if (tenant === undefined) return { outcome: 'deny', isLasting: true, detail: 'tenant' }
  return { ...verdict, auth: Object.freeze({ ...auth, tenant }) }
}
