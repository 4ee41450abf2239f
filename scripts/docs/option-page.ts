import { kindsOf } from './option-kinds.ts'
import { OPTIONS } from '../../src/core/config/options.ts'
import { RESOURCE } from '../../src/mcp/options.ts'
import { CACHE_TIMES } from '../../src/memory/options.ts'
import { FILE_OPTIONS } from '../../src/yaml/auth-section.ts'
import { keyOf } from '../../src/yaml/values.ts'
import { readDocumentation } from './documented-types.ts'
import { OPTION_EXAMPLES } from './option-examples.ts'
import type { Form } from './option-kinds.ts'

const HEAD = `# Configuration

<!-- Written by \`npm run docs:generate\` from \`AuthConfig\` and the table in src/core/config/options.ts. -->

Every option of \`withAuth\`, \`createAuthenticator\`, \`withAuthRoutes\` and \`auth\`. Only \`endpoint\` is required, and the variable
\`AUTH_ENDPOINT\` can replace it. Names that end in \`Ms\` are milliseconds. A [YAML file](yaml.md) has the same options in
snake_case below \`server.auth\`. A wrong option throws an \`AuthConfigError\` that names it.

\`\`\`ts
import { memoryCache, withAuth } from 'with-auth'

export default {
  fetch: withAuth(() => new Response('hello'), {
    endpoint: 'https://auth.example.com/validate',
    context: { headers: [] },
    cache: memoryCache({ allowTtlMs: 30_000 }),
    unavailableStatus: 503,
    onEvent: (event) => console.log(JSON.stringify(event)),
  }),
}
\`\`\``

const docs = readDocumentation('AuthConfig')

interface Value {
  /** The function that makes it. */
  readonly made: string
  readonly type: string
  /** The options that a file has, below the option. */
  readonly fields: NonNullable<Form['fields']>
  readonly text: string
}

/** Options that are made by a function, whose options follow. */
const VALUES: Readonly<Record<string, Value>> = {
  resource: {
    made: 'protectedResource',
    type: 'ResourceConfig',
    fields: kindsOf(RESOURCE),
    text: 'These are the options of `protectedResource()` of `with-auth/mcp`, in code. A file has them below `resource`.',
  },
  cache: {
    made: 'memoryCache',
    type: 'MemoryCacheOptions',
    fields: kindsOf(CACHE_TIMES),
    text: 'These are the options of `memoryCache()`, in code. A file has them below `cache`, and those of the store below `store`.',
  },
}

/** \`docs/configuration.md\`: a section for each option with its text, type, range, default, YAML key and an example. */
export function createPage(): string {
  return `${[HEAD, ...sectionsOf(kindsOf(OPTIONS), [])].join('\n\n')}\n`
}

function sectionsOf(fields: NonNullable<Form['fields']>, parent: readonly string[]): string[] {
  return Object.entries(fields).flatMap(([name, { form }]) => {
    const path = [...parent, name]
    const nested = form.kind === 'group' ? sectionsOf(form.fields ?? {}, path) : []
    const value = parent.length === 0 ? VALUES[name] : undefined
    const ofValue = value === undefined ? [] : [value.text, ...valueSections(name, value)]
    return [sectionOf(path, form), ...nested, ...ofValue]
  })
}

function sectionOf(path: readonly string[], form: Form): string {
  const name = path.join('.')
  const heading = `${'#'.repeat(path.length + 1)} \`${name}\``
  const key = isInFile(path, form) ? path.map(keyOf).join('.') : undefined
  return section(heading, name, { form, key, documented: docs.get(name) })
}

/** The options of the function that makes the value of an option. */
function valueSections(option: string, { made, type, fields }: Value): string[] {
  return [...readDocumentation(type)].map(([name, documented]) => {
    const { form } = fields[name] ?? { form: { kind: 'function' } }
    const key = name in fields ? `${option}.${keyOf(name)}` : KEYS[name]
    const title = `${made}: ${name}`
    return section(`### \`${title}\``, title, { form, key, documented })
  })
}

interface Option {
  readonly form: Form
  /** Its key in a file. `undefined` in code only. */
  readonly key: string | undefined
  readonly documented: ReturnType<typeof docs.get>
}

function section(heading: string, name: string, { form, key, documented }: Option): string {
  const { text = '', type = '', byDefault } = documented ?? {}
  const [example = '', page] = OPTION_EXAMPLES[name] ?? []
  const usual = byDefault ?? (form.default === undefined ? undefined : inCode(form.default))
  const facts = [
    ...(form.kind === 'group' ? [] : [`\`${type}\``]),
    ...(form.min === undefined ? [] : [`${number(form.min)} to ${number(form.max)}`]),
    ...(usual === undefined ? [] : [`default ${isSentence(usual) ? usual : `\`${usual}\``}`]),
    key === undefined ? 'in code only' : `YAML \`${key}\``,
    `example \`${example}\``,
  ]
  const see = page === undefined ? '' : ` See [${page.replace(/\.md.*/, '')}](${page}).`
  return `${heading}\n\n${text}${see}\\\n${facts.join(' · ')}`
}

const KEYS: Readonly<Record<string, string>> = { store: 'store' }

/** A file may have options of its own in place of a function. */
function isInFile([name = '', ...rest]: readonly string[], form: Form): boolean {
  const { kind } = rest.length === 0 ? (kindsOf(FILE_OPTIONS)[name]?.form ?? form) : form
  return kind !== 'function'
}

function isSentence(text: string): boolean {
  return /[a-z] [a-z]/.test(text)
}

function inCode(value: unknown): string {
  return JSON.stringify(value).replaceAll('"', "'")
}

function number(value = 0): string {
  return value.toLocaleString('en')
}
