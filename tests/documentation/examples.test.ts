import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { APPS, PROGRAMS } from '../examples/examples.ts'
import { readTable, withoutBackticks } from '../support/markdown.ts'
import { ROOT, listFiles, readJson, readText, sorted } from '../support/project.ts'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
}

const EXAMPLES = [...PROGRAMS, ...APPS]
const frameworks = readJson<Manifest>('examples/package.json')
const runtimes = readJson<Manifest>('runtimes/package.json')
const versions = { ...runtimes.dependencies, ...frameworks.dependencies }

const FOLDER = join(ROOT, 'examples')
// Installs, builds and runs of the tests write these.
const NO_EXAMPLE = /^(?:node_modules|under-test-.*)$|\/(?:\.|build\/|dist\/)/
const sources = readdirSync(FOLDER, { withFileTypes: true })
  .filter(({ name }) => !NO_EXAMPLE.test(name))
  .flatMap((entry) => (entry.isDirectory() ? listBelow(entry.name) : [entry.name]))
  .filter((file) => /\.(?:ts|js|html)$/.test(file) && !NO_EXAMPLE.test(file))

// Those of other pages, which other tests try.
const ELSEWHERE = /^(?:websocket-|mcp\/|traces\/|rate-limits\/|authzen\.ts$)/

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
    const others = sources.filter((file) => !ELSEWHERE.test(file)).map(topOf)
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
