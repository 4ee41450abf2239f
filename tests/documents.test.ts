import { describe, expect, it } from 'vitest'
import { readAnchors, readCodeSpans, readLinks } from './support/markdown.ts'
import { exists, readJson, readText } from './support/project.ts'

const DOCUMENTS = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']

describe.each(DOCUMENTS)('%s', (document) => {
  const text = readText(document)

  it('has no dead link', () => {
    const local = readLinks(text).filter((target) => !target.startsWith('https:'))
    expect(local.filter((target) => !leadsSomewhere(target, document))).toEqual([])
  })

  it('names only files and commands that exist', () => {
    const spans = readCodeSpans(text)
    const files = spans.filter((span) =>
      /^(?:(?:src|tests|examples|\.ci)\/[^\s*]*|[\w.-]+\.(?:md|json|[cm]?[jt]s))$/.test(span),
    )
    expect(files.filter((file) => !exists(file))).toEqual([])
    const { scripts } = readJson<{ scripts: Record<string, string> }>('package.json')
    const commands = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(({ 1: name = '' }) => name)
    expect(commands.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })
})

it('SECURITY.md names tests for each invariant', () => {
  const [, list = ''] = readText('SECURITY.md').split('## Invariants')
  const invariants = list.split(/^\d+\. /m).slice(1)
  expect(invariants).toHaveLength(14)
  expect(invariants.filter((invariant) => !/`tests\/[\w/-]+\.test\.ts`/.test(invariant))).toEqual(
    [],
  )
})

function leadsSomewhere(target: string, document: string): boolean {
  const [file = '', anchor] = target.split('#')
  const found = file === '' ? document : file
  if (!exists(found)) return false
  return anchor === undefined || readAnchors(readText(found)).includes(anchor)
}
