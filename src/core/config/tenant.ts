import { group, oneOf, orFalse, valueThat } from './kinds.ts'
import { DEFAULT_TENANT_FIELD, isTenant } from '../endpoint/tenancy.ts'
import { invalidOption, misusedOption } from './option-checks.ts'
import type { TenantConfig } from '../auth-config.ts'
import type { Kind, Rule } from './kinds.ts'

export const tenantField: Kind<string> = valueThat(
  (value): value is string => typeof value === 'string' && value !== '',
  'a path such as "tenant" or "organization.id"',
  { kind: 'text', scalar: 'string', default: DEFAULT_TENANT_FIELD },
)

const tenantName: Kind<string> = {
  form: { kind: 'tenant', scalar: 'string' },
  parse: (value = '', path) => {
    if (value === '' || isTenant(value)) return value
    throw invalidOption(path, value, TENANT_FORM)
  },
}

export const TENANT_FORM =
  '1 to 128 lower-case letters, digits, "-" and "_", the first a letter or a digit'

export const tenant: Kind<false | TenantConfig, false | Required<TenantConfig>> = orFalse(
  group<TenantConfig>({ mode: oneOf('multi', 'single'), default: tenantName }, requireDefault),
  false,
)

function requireDefault(
  ...[options, , path]: Parameters<Rule<TenantConfig>>
): Partial<TenantConfig> {
  if (options.mode !== 'single' || options.default !== '') return options
  throw misusedOption([...path, 'default'], 'given beside `tenant.mode` "single"')
}
