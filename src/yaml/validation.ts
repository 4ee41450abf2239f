import { resolveConfig } from '../core/config/parse.ts'
import { AuthConfigError } from '../core/errors.ts'
import { AUTH, keyOf } from './shape.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { Settings } from './auth-section.ts'
import type { Findings } from './findings.ts'
import type { Content, Setting } from './setting.ts'

/**
 * Makes a config of settings, and checks it as `withAuth` would. Finds all that is wrong, not only what is first: what was
 * refused is taken out, and the rest checked again. Stops when the findings are full: each problem costs a check of everything.
 */
export function validate(settings: Settings, findings: Findings): AuthConfig {
  const root: Content = { kind: 'fields', fields: settings }
  // A cache needs the list of headers: where that was refused, this is not wrong with the cache.
  let isListGiven = findings.has('server.auth.context')
  for (;;) {
    const config = plainOf(root)
    const error = refusalOf(isListGiven ? withHeaders(config) : config)
    if (error === undefined || findings.hasMore()) return config
    const found = find(root, error.option)
    if (found === undefined) throw error
    const isAboutHeaders = error.option === 'cache' && found.setting.content.kind === 'fields'
    // What lacks a part that was refused is a consequence.
    if (isAboutHeaders || !findings.has(found.setting.key)) add(found.setting, error, findings)
    if (!isAboutHeaders) found.takeOut()
    isListGiven ||= isAboutHeaders || error.option.startsWith('context')
  }
}

function add(setting: Setting, error: AuthConfigError, findings: Findings): void {
  const { key, place, isMasked } = setting
  findings.add(place, key, explain(error, setting), isMasked)
}

function refusalOf(config: unknown): AuthConfigError | undefined {
  try {
    resolveConfig(config)
    return undefined
  } catch (error) {
    if (error instanceof AuthConfigError) return error
    throw error
  }
}

function withHeaders(config: Readonly<Record<string, unknown>>): unknown {
  const context: unknown = config['context']
  const headers: unknown = Reflect.get(Object(context), 'headers')
  return Array.isArray(headers)
    ? config
    : { ...config, context: { ...Object(context), headers: [] } }
}

function plainOf(content: Extract<Content, { kind: 'fields' }>): Record<string, unknown> {
  // Own properties, `__proto__` included.
  return Object.fromEntries(
    [...content.fields].map(([name, setting]) => [name, valueOf(setting.content)]),
  )
}

function valueOf(content: Content): unknown {
  if (content.kind === 'fields') return plainOf(content)
  return content.kind === 'items'
    ? content.items.map((item) => valueOf(item.content))
    : content.value
}

interface Found {
  readonly setting: Setting
  readonly takeOut: () => void
}

/** Finds the setting of an option such as `public[0].path`, or the nearest that there is above it. */
function find(parent: Content, option: string): Found | undefined {
  if (option === '') return undefined
  const { name, rest } = firstOf(parent, option)
  if (parent.kind === 'fields') {
    const setting = parent.fields.get(name)
    const takeOut = (): void => void parent.fields.delete(name)
    return setting && (find(setting.content, rest) ?? { setting, takeOut })
  }
  if (parent.kind === 'value') return undefined
  const setting = parent.items[Number(name)]
  const takeOut = (): void => void parent.items.splice(Number(name), 1)
  return setting && (find(setting.content, rest) ?? { setting, takeOut })
}

// A header name may hold dots itself.
function firstOf(parent: Content, option: string): { name: string; rest: string } {
  if (parent.kind === 'fields' && parent.fields.has(option)) return { name: option, rest: '' }
  const [, name = option, rest = ''] = /^\[?(\w+)\]?\.?(.*)/s.exec(option) ?? []
  return { name, rest }
}

const NOT_SHOWN = '(its value is not shown)'

function explain({ option, message }: AuthConfigError, { key, isHidden }: Setting): string {
  const [allowed, received] = splitOnce(message, ', received ')
  const named = inKeys(allowed).replace(`"${inKeys(option)}"`, () => `"${key}"`)
  if (!isHidden) return received === undefined ? named : `${named}, received ${received}`
  return named.endsWith(NOT_SHOWN) ? named : `${withoutValue(named)} ${NOT_SHOWN}`
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)]
}

// The one place where what is allowed is made of what was received.
function withoutValue(text: string): string {
  return text.replace(/written as requests are compared.*/s, 'written as requests are compared')
}

function inKeys(text: string): string {
  const fields = Object.values(AUTH).flatMap((field) => [
    field,
    ...Object.values(field.shape.fields ?? {}),
  ])
  const names = fields.map(({ option }) => option).join('|')
  return text.replace(new RegExp(`\\b(?:${names})\\b`, 'g'), keyOf)
}
