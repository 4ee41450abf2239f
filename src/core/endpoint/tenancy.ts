import { normaliseTenant } from '../config/tenant.ts'
import type { ParsedVerdict, TimedAsk } from './verdict.ts'
import type { TenantConfig } from '../auth-config.ts'

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
  return { ...verdict, auth: Object.freeze({ __proto__: null, ...auth, tenant }) }
}
