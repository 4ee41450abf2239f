import { rmSync, writeFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { describe, expect, it } from 'vitest'
import { ConfigFileError, loadConfig } from '../src/yaml.ts'
import { IS_NIGHTLY, runs } from './support/nightly.ts'
import { PROVIDER_ROWS } from './yaml/providers/provider-rows.ts'
import { WALKS, withValue } from '../scripts/docs/schema-files.ts'
import { readJson } from './support/project.ts'
import { SELF_SIGNED } from './support/self-signed-certificate.ts'
import { setupFolder } from './support/temporary-folder.ts'
import { problemsOf } from './yaml/problems.ts'
import type { Path } from '../scripts/docs/schema-files.ts'

const RUNS = runs(5000)
const TIMEOUT_MS = 300_000
const pathOf = setupFolder()

const check = new Ajv({
  strict: true,
  allowUnionTypes: true,
  strictRequired: false,
  strictTypes: false,
}).compile(readJson('schema.json'))

/** The rules of the reader that JSON Schema cannot express, by its message. */
const NOT_IN_SCHEMA: readonly (readonly [reason: string, message: RegExp])[] = [
  ['the value of a variable', /Environment variable "|comes from the environment/],
  [
    'the content of a file',
    /a file (?:of keys )?that can be read|in PEM form|of certificates in PEM/,
  ],
  ['what a parser of URLs takes', /must be an absolute https URL/],
  ['the form that such a parser writes', /must be written as clients compare it/],
  [
    'what a compiler of regular expressions takes',
    /must be (?:a valid regular expression|one that can match a path from its start)/,
  ],
  [
    'two names that a server may mix up',
    /the same header in another case|must be another header than/,
  ],
  [
    'two numbers, of which one is the greater',
    /must be at least "retry|lost_push_ttl_ms" (?:must be|of at most)/,
  ],
  [
    'the digits of a number, as they are written',
    /must be (?:a text of at least 32 bytes|16 to 1024 visible)/,
  ],
  ['a text and a number that are written alike', /the list has the same key before it/],
]

type Env = Readonly<Record<string, string>>

/** Whether the schema and the reader say the same. `rules` gets the reasons why they may not. */
async function compare(server: unknown, rules: Set<string>, env: Env = {}): Promise<Verdict> {
  // JSON is YAML, and is written and parsed far faster.
  const text = JSON.stringify({ server }).replaceAll('FOLDER', pathOf('.'))
  const messages = await messagesOf(text, env)
  const inSchema = check(JSON.parse(text))
  const isRight = messages.length === 0
  const reasons = messages.flatMap(
    (message) => NOT_IN_SCHEMA.find(([, pattern]) => pattern.test(message))?.[0] ?? [],
  )
  const isKnown = inSchema && !isRight && reasons.length === messages.length
  if (isKnown) reasons.forEach((reason) => rules.add(reason))
  if (inSchema === isRight || isKnown) return { isRight }
  return { isRight, differs: JSON.stringify({ server, inSchema, messages }) }
}

interface Verdict {
  readonly isRight: boolean
  /** The file, and what both say of it. */
  readonly differs?: string
}

async function messagesOf(text: string, env: Env): Promise<readonly string[]> {
  const file = pathOf('run.yaml')
  writeFileSync(file, text)
  try {
    await loadConfig(file, { env })
    return []
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error
    return error.problems.map(({ message }) => message)
  } finally {
    // Many systems write a file to disk that replaces the content of another.
    rmSync(file)
  }
}

interface Change {
  readonly server: unknown
  readonly path: Path
  readonly value: unknown
}

const EVERY = IS_NIGHTLY ? 1 : 6

/** Every key with every value, and by day with a sixth of them, each key with others than the key before it. */
function createChanges(): Change[] {
  return WALKS.flatMap(({ server, paths, values }) =>
    paths.flatMap((path, at) =>
      values
        .filter((_, index) => (at + index) % EVERY === 0)
        .map((value) => ({ server, path, value })),
    ),
  )
}

/** The same value by a reference, or `undefined` for a value that is no scalar. */
function asReference(value: unknown): readonly [reference: unknown, variable: string] | undefined {
  if (Array.isArray(value)) {
    const [reference, variable] = asReference(value[0]) ?? []
    return variable === undefined ? undefined : [[reference, ...value.slice(1)], variable]
  }
  // A text such as "true" may become a boolean.
  const isScalar =
    ['string', 'number', 'boolean'].includes(typeof value) && !['', 'true'].includes(String(value))
  return isScalar ? ['${env.V}', String(value).replaceAll('FOLDER', pathOf('.'))] : undefined
}

describe('schema.json', () => {
  it(
    'gives the verdict of the reader on every key, with right and wrong values, in pairs and by references',
    { tags: ['slow'], timeout: TIMEOUT_MS },
    async () => {
      writeFileSync(pathOf('ca.pem'), SELF_SIGNED.cert)
      writeFileSync(pathOf('token'), 'abc')
      writeFileSync(pathOf('keys.yaml'), 'keys: []')
      const rules = new Set<string>()
      const differences: string[] = []
      const isRight = async (server: unknown, env?: Env): Promise<boolean> => {
        const { differs, ...verdict } = await compare(server, rules, env)
        if (differs !== undefined) differences.push(differs)
        return verdict.isRight
      }
      for (const { server } of WALKS) expect(await isRight(server)).toBe(true)
      const right: Change[] = []
      for (const change of createChanges()) {
        if (await isRight(withValue(change.server, change.path, change.value))) right.push(change)
      }
      for (const { server, path, value } of right) {
        const [reference, variable = ''] = asReference(value) ?? []
        if (reference === undefined) continue
        const referring = withValue(server, path, reference)
        if (!(await isRight(referring, { V: variable }))) {
          differences.push(JSON.stringify({ referring, variable }))
        }
      }
      const one = fc.constantFrom(...right)
      for (const [first, second] of fc.sample(fc.tuple(one, one), { numRuns: RUNS, seed: 5 })) {
        const server = withValue(first.server, first.path, first.value)
        await isRight(withValue(server, second.path, second.value))
      }
      expect(differences).toEqual([])
      // Each rule is needed. A sixth of the values shows most of them.
      expect(rules.size).toBeGreaterThanOrEqual(NOT_IN_SCHEMA.length - (IS_NIGHTLY ? 0 : 3))
    },
  )

  it.each([
    ['${env.MS}', true],
    ['${env.MS:=5}', true],
    ['${env.MS:5}', false],
    ['${env.MS}${MS}', false],
    ['${env.NO:=${env.MS}', false],
    ['5', false],
  ])('takes %s for a number: %s', (text, ok) => {
    const content = { server: { auth: { endpoint: 'https://h/', timeout_ms: text } } }
    expect(check(content)).toBe(ok)
    expect(problemsOf(stringify(content), { MS: '5' }).length === 0).toBe(ok)
  })

  it.each(
    Object.entries(PROVIDER_ROWS).flatMap(([type, rows]) => rows.map((row) => [type, row.yaml])),
  )('takes a provider of the type %s: { %s }', (type, yaml) => {
    const keys = yaml.replaceAll('URL', 'https://h.example')
    const isTaken = (auth: string): boolean => check(parse(`server: { auth: { ${auth} } }`))
    expect(isTaken(`provider_config: { type: ${type}, ${keys} }`)).toBe(true)
    expect(isTaken(`provider_type: ${type}, config: { ${keys} }, providers: ~`)).toBe(true)
    expect(isTaken(`provider_config: { type: ${type}, ${keys}, unknown: 1 }`)).toBe(false)
    expect(isTaken(`provider_config: { ${keys} }`)).toBe(false)
    expect(isTaken(`provider_type: ${type}, providers: [{ type: ${type}, ${keys} }]`)).toBe(false)
  })
})
