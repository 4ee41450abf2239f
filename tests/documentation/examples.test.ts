import { expect, it } from 'vitest'
import { APPS, PROGRAMS } from '../examples/examples.ts'
import { readTable } from '../support/markdown.ts'
import { readJson, readText } from '../support/project.ts'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
}

it('docs/frameworks/README.md has each example that CI serves, its version and its server', () => {
  const [frameworks, runtimes] = ['examples/package.json', 'runtimes/package.json'].map(
    (file) => readJson<Manifest>(file).dependencies,
  )
  const versions = { ...runtimes, ...frameworks }
  const rows = readTable(readText('docs/frameworks/README.md'), 'example').map((cells) => {
    const [link = '', framework, , , server] = cells
    return { file: /\(\.\.\/\.\.\/examples\/(.*)\)$/.exec(link)?.[1], framework, server }
  })
  const served = [...PROGRAMS, ...APPS].map(({ file, framework: [name, packageName], server }) => ({
    file,
    framework: `${name} ${versions[packageName] ?? 'of no known version'}`,
    server,
  }))
  expect(rows).toEqual(served)
})
