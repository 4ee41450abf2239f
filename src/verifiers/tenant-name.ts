const TENANT = /^[a-z\d][\w-]{0,127}$/i

export const TENANT_FORM =
  '1 to 128 lower-case letters, digits, "-" and "_", the first a letter or a digit'

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
