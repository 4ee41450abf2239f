import { HTTP_TOKEN } from '../../src/core/config/option-checks.ts'
import type { Form as Data, ListForm } from '../../src/core/config/form.ts'

/** The options of a group. */
export type Fields = NonNullable<Form['fields']>

/** Describes an option to the generator of `schema.json` and `docs/configuration.md`. */
export interface Form {
  /** The kind, such as `integer`. */
  readonly kind: string
  /** The value of an option that is left out. */
  readonly default?: unknown
  readonly min?: number
  readonly max?: number
  readonly choices?: readonly unknown[]
  /** The texts that are accepted. */
  readonly pattern?: RegExp
  /** A text from the environment becomes this type. */
  readonly scalar?: 'string' | 'number' | 'boolean'
  /** An object with these options is accepted. */
  readonly fields?: Readonly<Record<string, { readonly form: Form }>>
  /** An object with any names and these values is accepted. */
  readonly entries?: Form
  /** A list of these is accepted. */
  readonly items?: Form
  /** `false` is accepted too. */
  readonly canBeFalse?: true
  /** The value is never shown. */
  readonly isSecret?: true
  /** The value is a URL. Problems hide its password and its query. */
  readonly isUrl?: true
}

// oxlint-disable-next-line typescript/consistent-return -- all kinds are there
export function kindOf(form: Data): Form {
  const { default: byDefault, also, isSecret } = form
  const parts: Partial<Form> = {
    ...(byDefault !== undefined && { default: byDefault }),
    ...(also?.includes(false) && { canBeFalse: true as const }),
    ...(isSecret && { isSecret }),
  }
  const isFalse = also?.includes(false) === true
  switch (form.kind) {
    case 'boolean':
      return { kind: 'boolean', scalar: 'boolean', ...parts }
    case 'integer':
    case 'seconds':
    case 'milliseconds': {
      const kind = form.kind === 'seconds' ? 'integer' : form.kind
      return { kind, scalar: 'number', min: form.min, max: form.max, ...parts }
    }
    case 'choice': {
      const scalar = typeof form.choices[0] === 'number' ? 'number' : 'string'
      if (form.choices[0] === true) return { kind: 'true', scalar: 'boolean', ...parts }
      return { kind: 'choice', scalar, choices: form.choices, ...parts }
    }
    case 'text': {
      const scalar = isFalse ? 'boolean' : 'string'
      if (form.pattern === undefined) return { kind: 'text', scalar, ...parts }
      if (form.pattern.source === '^') return { kind: 'anyText', scalar, ...parts }
      const kind = textName(form.pattern, isFalse)
      return { kind, scalar, pattern: form.pattern, ...parts }
    }
    case 'url':
      return { kind: also ? 'url' : 'endpoint', scalar: 'string', isUrl: true, ...parts }
    case 'made':
      return { kind: 'function', ...parts }
    case 'function':
      return { kind: 'function' }
    case 'group':
      return {
        kind: 'group',
        ...(isFalse && { scalar: 'boolean' as const }),
        fields: kindsOf(form.fields),
        ...parts,
      }
    case 'list': {
      const items = kindOf(form.items)
      const scalar = form.canBeOne || also !== undefined ? { scalar: 'string' as const } : {}
      return { kind: listName(form), ...scalar, items, ...parts }
    }
    case 'code':
      return {
        kind: form.is,
        ...(form.isText && { scalar: 'string' as const }),
        ...(form.isUrl && { isUrl: true as const }),
        ...(form.is === 'group' && { scalar: 'boolean' as const }),
        ...(form.fields && { fields: kindsOf(form.fields) }),
        ...(form.entries && { entries: kindOf(form.entries) }),
        ...(form.items && { items: kindOf(form.items) }),
        ...(form.items?.kind === 'text' && form.items.pattern && { pattern: form.items.pattern }),
        ...parts,
      }
  }
}

function textName(pattern: RegExp, isFalse: boolean): string {
  if (pattern === HTTP_TOKEN) return 'header'
  if (isFalse) return 'requestIdHeader'
  const names = {
    '#keys': 'claimPath',
    '{0,127}': 'tenant',
    '\\x23': 'scope',
    resource_meta: 'realm',
    A: 'method',
  }
  const found = Object.entries(names).find(([part]) => pattern.source.includes(part))
  return found?.[1] ?? 'matching'
}

function listName({ items, canBeOne, canBeEmpty, also }: ListForm): string {
  if (also !== undefined) return 'headers'
  if (items.kind === 'code') return `${items.is}s`
  if (items.kind === 'group' && items.short !== undefined) return 'public'
  const name = kindOf(items).kind
  if (name === 'method' || name === 'scope') return `${name}s`
  if (canBeOne) return name
  return canBeEmpty ? 'names' : 'texts'
}

/** The description of each option of a table. */
export function kindsOf(fields: object): Fields {
  return Object.fromEntries(
    Object.entries<Data>({ ...fields }).map(([name, form]) => [name, { form: kindOf(form) }]),
  )
}
