import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { APPS, PROGRAMS } from '../examples/examples.ts'
import { readTable, withoutBackticks } from '../support/markdown.ts'
import { ROOT, listFiles, readJson, readText, sorted } from '../support/project.ts'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const EXAMPLES = [...PROGRAMS, ...APPS]
const frameworks = readJson<Manifest>('examples/package.json')
const runtimes = readJson<Manifest>('tests/runtimes/package.json')
const versions = { ...runtimes.dependencies, ...frameworks.dependencies }

const FOLDER = join(ROOT, 'examples')
// Installs, builds and runs of the tests write these.
const NO_EXAMPLE = /^(?:node_modules|under-test-.*)$|\/(?:\.|build\/|dist\/)/
const sources = readdirSync(FOLDER, { withFileTypes: true })
  .filter(({ name }) => !NO_EXAMPLE.test(name))
  .flatMap((entry) => (entry.isDirectory() ? listBelow(entry.name) : [entry.name]))
  .filter((file) => /\.(?:ts|js|html)$/.test(file) && !NO_EXAMPLE.test(file))

// Tried by tests/runtimes/websocket.test.ts.
const WEBSOCKETS = sources.filter((file) => file.startsWith('websocket-'))
// Tried by tests/examples/mcp.test.ts.
const MCP = sources.filter((file) => file.startsWith('mcp/'))

// Tried by tests/examples/authzen.test.ts.
const AUTHZEN = 'authzen.ts'

// Tried by tests/runtimes/traces.test.ts.
const TRACES = sources.filter((file) => file.startsWith('traces/'))

// Tried by tests/examples/rate-limits.test.ts.
const RATE_LIMITS = sources.filter((file) => file.startsWith('rate-limits/'))

const rows = readTable(readText('docs/frameworks/README.md'), 'example').map((cells) => {
  const [link = '', framework = '', guard = '', identity = '', server = ''] = cells
  const [, name = '', file = ''] = /^\[(.*)\]\(\.\.\/\.\.\/examples\/(.*)\)$/.exec(link) ?? []
  return { name, file, framework, spans: codeIn(guard + identity), server }
})

describe('the table of examples in docs/frameworks/README.md', () => {
  it('has every example that CI serves, once, in the same order', () => {
    expect(rows.map(({ file }) => file)).toEqual(EXAMPLES.map(({ file }) => file))
  })

  it('has every program and folder of examples/, except those of other pages', () => {
    const elsewhere = new Set([...WEBSOCKETS, ...MCP, ...TRACES, ...RATE_LIMITS, AUTHZEN])
    const others = sources.filter((file) => !elsewhere.has(file)).map(topOf)
    expect(sorted(new Set(others))).toEqual(sorted(rows.map(({ file }) => topOf(file))))
    expect(rows.map(({ name }) => name)).toEqual(rows.map(({ file }) => topOf(file)))
  })

  it.each(EXAMPLES)('has the version and the server of $file', ({ file, framework, server }) => {
    const [name, packageName] = framework
    expect(rows.find((row) => row.file === file)).toMatchObject({
      framework: `${name} ${versions[packageName] ?? 'of no known version'}`,
      server,
    })
  })

  it.each(rows)('quotes code of $file', ({ file, spans }) => {
    const code = sources
      .filter((source) => topOf(source) === topOf(file))
      .map((source) => readText(`examples/${source}`))
      .join('\n')
    expect(spans.filter((span) => !code.includes(span))).toEqual([])
  })
})

it.each(WEBSOCKETS)('%s stands in docs/websockets.md', (file) => {
  expect(readText('docs/websockets.md')).toContain(`<!-- examples/${file} -->`)
})

it('docs/authorization.md has the example of a decision point', () => {
  expect(readText('docs/authorization.md')).toContain(`<!-- examples/${AUTHZEN} -->`)
})

it.each(RATE_LIMITS)('%s stands in docs/rate-limits.md', (file) => {
  expect(readText('docs/rate-limits.md')).toContain(`<!-- examples/${file} -->`)
})

it.each(TRACES)('%s stands in docs/traces.md', (file) => {
  expect(readText('docs/traces.md')).toContain(`<!-- examples/${file} -->`)
})

it.each(MCP)('docs/mcp.md shows or links %s', (file) => {
  expect(readText('docs/mcp.md')).toContain(`examples/${file}`)
})

describe('an example', () => {
  it.each(sources)('has at most 25 lines: %s', (file) => {
    expect(readText(`examples/${file}`).trimEnd().split('\n').length).toBeLessThanOrEqual(25)
  })

  it.each(EXAMPLES)('says how to run it in the first line: $file', ({ file }) => {
    const [first] = readText(`examples/${file}`).split('\n')
    expect(first).toMatch(/^\/\/ .*\bwith-auth\b/)
    expect(first).toContain('AUTH_ENDPOINT')
  })

  it.each(sources)(
    'imports only the package, Node and packages of the tests that try it: %s',
    (file) => {
      const imported = [...readText(`examples/${file}`).matchAll(/ from '([^.'][^']*)'/g)]
      const packages = imported.map(({ 1: specifier = '' }) => packageOf(specifier))
      const { dependencies } = TRACES.includes(file) ? runtimes : frameworks
      const known = new Set(['with-auth', 'node', ...Object.keys(dependencies)])
      expect(packages.filter((name) => !known.has(name))).toEqual([])
    },
  )
})

it('the versions of the frameworks are exact', () => {
  const ranges = Object.values({ ...frameworks.dependencies, ...frameworks.devDependencies })
  expect(ranges.filter((range) => !/^(?:npm:express@)?\d+\.\d+\.\d+$/.test(range))).toEqual([])
  expect(ranges).not.toEqual([])
})

it('the frameworks and the tests of the runtimes have the same versions', () => {
  const shared = Object.keys(runtimes.dependencies).filter((name) =>
    Object.hasOwn(frameworks.dependencies, name),
  )
  const differing = shared.filter(
    (name) => runtimes.dependencies[name] !== frameworks.dependencies[name],
  )
  expect([shared.length > 0, differing]).toEqual([true, []])
})

function listBelow(folder: string): string[] {
  return listFiles(join(FOLDER, folder)).map((file) => `${folder}/${file}`)
}

/** The file or the folder within `examples/`. */
function topOf(file: string): string {
  return file.split('/')[0] ?? ''
}

function codeIn(cells: string): string[] {
  return (cells.match(/`[^`]+`/g) ?? []).map(withoutBackticks)
}

function packageOf(specifier: string): string {
  const [scope = '', name = ''] = specifier.split('/')
  if (scope.startsWith('@')) return `${scope}/${name}`
  // Virtual modules of Astro.
  return scope.split(':')[0] ?? ''
}
