import type { Ask, ParsedVerdict } from './verdict.ts'
import type { TenantConfig } from '../auth-config.ts'

export const DEFAULT_TENANT_FIELD = 'tenant'

const TENANT = /^[a-z\d][\w-]{0,127}$/i

/** The one form of a tenant, or `undefined` if it is none. */
export function normaliseTenant(tenant: string): string | undefined {
  const trimmed = tenant.trim()
  // Tested before it is lower-cased: that makes a `k` of the sign of Kelvin.
  return TENANT.test(trimmed) ? trimmed.toLowerCase() : undefined
}

/** Whether a value is a tenant in its one form. */
export function isTenant(value: unknown): value is string {
  return typeof value === 'string' && normaliseTenant(value) === value
}

/** What becomes of a tenant that is no text: it denies, it is dropped with a warning, or no tenant is looked at. */
export type BadTenant = 'denied' | 'dropped' | 'ignored'

export function fateOfBadTenant(tenant: false | TenantConfig, tenantField: string): BadTenant {
  if (tenant !== false) return tenant.mode === 'single' ? 'ignored' : 'denied'
  return tenantField === DEFAULT_TENANT_FIELD ? 'dropped' : 'denied'
}

/** Gives every allow the tenant that the config demands, and denies without one. */
export function requireTenant(next: Ask, config: Required<TenantConfig>): Ask {
  return async (check, attempt) => withTenant(await next(check, attempt), config)
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
