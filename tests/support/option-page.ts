import { OPTIONS } from '../../src/core/config/options.ts'
import { keyOf } from '../../src/yaml/setting.ts'
import { readDocumentation } from './documented-types.ts'
import type { Form } from '../../src/core/config/kinds.ts'

const HEAD = `# Configuration

<!-- Written by \`npm run docs:options\` from \`AuthConfig\` and the table in src/core/config/options.ts. -->

These are the options of \`withAuth\`, \`createAuthenticator\` and \`auth\`. A YAML file has the same options below \`server.auth\`,
in snake_case.`

const docs = readDocumentation('AuthConfig')

/** \`docs/configuration.md\`: a section for each option with its text, type, default, range and YAML key. */
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
  const key = path.map(keyOf).join('.')
  const facts = [
    ['Type', `\`${type}\``],
    [
      'Default',
      byDefault ?? (form.default === undefined ? undefined : `\`${inCode(form.default)}\``),
    ],
    ['Range', form.min === undefined ? undefined : `${number(form.min)} to ${number(form.max)}`],
    ['YAML', form.kind === 'function' ? 'in code only' : `\`server.auth.${key}\``],
  ]
  const lines = facts.flatMap(([fact, value]) =>
    value === undefined ? [] : [`- ${fact}: ${value}`],
  )
  return `${'#'.repeat(path.length + 1)} \`${name}\`\n\n${text}\n\n${lines.join('\n')}`
}

function inCode(value: unknown): string {
  return JSON.stringify(value).replaceAll('"', "'")
}

function number(value = 0): string {
  return value.toLocaleString('en')
}
