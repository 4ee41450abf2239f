import { parseOptions } from './interpreter.ts'
import { DEFAULT_TENANT_FIELD } from '../endpoint/tenancy.ts'
import { misusedOption } from './option-checks.ts'
import type { TenantConfig } from '../auth-config.ts'
import type { FormOf, Table } from './form.ts'

export const TENANT_FIELD: FormOf<string> = {
  kind: 'text',
  default: DEFAULT_TENANT_FIELD,
  expected: 'a path such as "tenant" or "organization.id"',
}

export const TENANT_FORM =
  '1 to 128 lower-case letters, digits, "-" and "_", the first a letter or a digit'

export const TENANT_NAME: FormOf<string | undefined> = {
  kind: 'text',
  pattern: /^(?:[a-z\d][a-z\d_-]{0,127})?$/,
  expected: TENANT_FORM,
}

const FIELDS: Table<Required<TenantConfig>> = {
  mode: { kind: 'choice', choices: ['multi', 'single'], default: 'multi' },
  default: { ...TENANT_NAME, default: '' },
}

export const TENANT_OPTION: FormOf<false | Required<TenantConfig>> = {
  kind: 'code',
  is: 'group',
  default: false,
  also: [false],
  fields: FIELDS,
  read: (value, path) =>
    parseOptions(
      FIELDS,
      value,
      path,
      (options, _, problems) => {
        if (options.mode !== 'single' || options.default !== '') return
        problems.add(misusedOption([...path, 'default'], 'given beside `tenant.mode` "single"'))
      },
      'an object or false',
    ),
}
