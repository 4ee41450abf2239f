import { OPTIONS } from '../../src/core/config/options.ts'
import { FILE_OPTIONS } from '../../src/yaml/auth-section.ts'
import { keyOf } from '../../src/yaml/setting.ts'
import { readDocumentation } from './documented-types.ts'
import { OPTION_EXAMPLES } from './option-examples.ts'
import type { Form } from '../../src/core/config/kinds.ts'

const HEAD = `# Configuration

<!-- Written by \`npm run docs:generate\` from \`AuthConfig\` and the table in src/core/config/options.ts. -->

Every option of \`withAuth\`, \`createAuthenticator\`, \`withAuthRoutes\` and \`auth\`. Only \`endpoint\` is required, and the variable
\`AUTH_ENDPOINT\` can replace it. Names that end in \`Ms\` are milliseconds. A [YAML file](yaml.md) has the same options in
snake_case below \`server.auth\`. A wrong option throws an \`AuthConfigError\` that names it.

\`\`\`ts
import { withAuth } from 'with-auth'

export default {
  fetch: withAuth(() => new Response('hello'), {
    endpoint: 'https://auth.example.com/validate',
    context: { headers: [] },
    cache: { allowTtlMs: 30_000 },
    unavailableStatus: 503,
    onEvent: (event) => console.log(JSON.stringify(event)),
  }),
}
\`\`\``

const docs = readDocumentation('AuthConfig')

/** \`docs/configuration.md\`: a section for each option with its text, type, range, default, YAML key and an example. */
export function createPage(): string {
  return `${[HEAD, ...sectionsOf(OPTIONS, [])].join('\n\n')}\n`
}

function sectionsOf(fields: NonNullable<Form['fields']>, parent: readonly string[]): string[] {
  return Object.entries(fields).flatMap(([name, { form }]) => {
    const path = [...parent, name]
    const nested = form.kind === 'group' ? sectionsOf(form.fields ?? {}, path) : []
    return [sectionOf(path, form), ...nested]
  })
}

function sectionOf(path: readonly string[], form: Form): string {
  const name = path.join('.')
  const { text = '', type = '', byDefault } = docs.get(name) ?? {}
  const [example = '', page] = OPTION_EXAMPLES[name] ?? []
  const usual = byDefault ?? (form.default === undefined ? undefined : inCode(form.default))
  const facts = [
    ...(form.kind === 'group' ? [] : [`\`${type}\``]),
    ...(form.min === undefined ? [] : [`${number(form.min)} to ${number(form.max)}`]),
    ...(usual === undefined ? [] : [`default ${isSentence(usual) ? usual : `\`${usual}\``}`]),
    isInFile(path, form) ? `YAML \`${path.map(keyOf).join('.')}\`` : 'in code only',
    `example \`${example}\``,
  ]
  const see = page === undefined ? '' : ` See [${page.replace(/\.md.*/, '')}](${page}).`
  return `${'#'.repeat(path.length + 1)} \`${name}\`\n\n${text}${see}\\\n${facts.join(' · ')}`
}

/** A file may have options of its own in place of a function. */
function isInFile([name = '', ...rest]: readonly string[], form: Form): boolean {
  const { kind } = rest.length === 0 ? (FILE_OPTIONS[name]?.form ?? form) : form
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
