import { execFileSync, spawnSync } from 'node:child_process'
import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { readCodeSpans, readLinks } from '../support/markdown.ts'
import { exists, readJson, readText, ROOT } from '../support/project.ts'
import { findTypeErrors, isPlace } from './type-check.ts'
import { anchorsOf, pageNamed, PAGES } from './pages.ts'
import { readSteps } from './steps.ts'
import type { Page, PageFence } from './pages.ts'

const COMPILE = { tags: ['slow'] }
const mostLines = (file: string): number => (file === 'README.md' ? 201 : 250)

const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).split('\n')
const { scripts } = readJson<{ scripts: Record<string, string> }>('package.json')

describe.each(PAGES.map((page) => [page.file, page] as const))('%s', (file, page) => {
  it('has links and anchors that resolve', () => {
    const local = readLinks(page.text).filter((target) => !/^(?:https?|mailto):/.test(target))
    expect(local.filter((target) => !resolves(target, file))).toEqual([])
  })

  it('has at most 200 lines as README, and fewer than 250 as page', ({ skip }) => {
    skip(page.isGenerated || file.startsWith('bench/'), 'a command writes this page')
    expect(linesOf(page.text)).toBeLessThan(mostLines(file))
  })

  it('names only files of the repository and npm scripts that exist', () => {
    expect(readCodeSpans(page.text).filter(isMissingFile)).toEqual([])
    const named = [...page.text.matchAll(/\bnpm run ([\w:-]+)/g)].map(({ 1: name = '' }) => name)
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })
})

describe('a code block', () => {
  it.each(blocksOf('ts').filter(([, block]) => !isExample(block)))(
    'compiles for its runtime: %s',
    COMPILE,
    (_, { code, place }) => {
      if (!isPlace(place)) throw new Error(`Unknown runtime: ${place}`)
      expect(findTypeErrors(code, place)).toEqual([])
    },
  )

  it.each(PAGES.flatMap(labelled).filter(([, block]) => isExample(block)))(
    'equals the file that the comment before it names: %s',
    (_, { code, comment = '' }) => {
      expect(code).toBe(readText(comment))
    },
  )

  // That page has a test of its own.
  it.each(blocksOf('js').filter(([name]) => !name.includes('behind-the-gateway')))(
    'of JavaScript is an example, which tests serve: %s',
    (_, block) => {
      expect(block.comment).toMatch(/^examples\//)
    },
  )

  it.each(blocksOf('json'))('of JSON parses: %s', (_, { code }) => {
    expect(() => JSON.parse(code) as unknown).not.toThrow()
  })

  it.each(blocksOf('yaml'))('of YAML parses: %s', (_, { code }) => {
    expect(parseAllDocuments(code).flatMap((document) => document.errors)).toEqual([])
  })

  it.each(blocksOf('sh'))('of shell commands parses: %s', { tags: ['slow'] }, (_, { code }) => {
    expect(syntaxErrors('sh', ['-n'], code)).toBe('')
  })

  it.each(blocksOf('python'))('of Python compiles: %s', { tags: ['slow'] }, (_, { code }) => {
    expect(
      syntaxErrors('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], code),
    ).toBe('')
  })
})

// A name such as `server.mjs` has no types on any runtime.
it.each([
  ['README.md, the first block', pageNamed('README.md').fences[0]?.code ?? ''],
  ...PAGES.flatMap(savedAsJavaScript),
])('what is saved as JavaScript is JavaScript: %s', { tags: ['slow'] }, (_, code) => {
  expect(syntaxErrors(process.execPath, ['--check', '--input-type=module', '-'], code)).toBe('')
})

function labelled(page: Page): [string, PageFence][] {
  return page.fences.map((fence) => [`${page.file}:${fence.line}`, fence])
}

function blocksOf(language: string): [string, PageFence][] {
  return PAGES.flatMap(labelled).filter(([, block]) => block.language === language)
}

function isExample({ comment = '' }: PageFence): boolean {
  return comment.startsWith('examples/')
}

function savedAsJavaScript({ file, text }: Page): [name: string, code: string][] {
  return readSteps(text).flatMap((step) =>
    step.kind === 'save' && /\.m?js$/.test(step.name)
      ? [[`${file}:${step.line}, ${step.name}`, step.code]]
      : [],
  )
}

function linesOf(text: string): number {
  return text.trimEnd().split('\n').length
}

function resolves(target: string, from: string): boolean {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? from : posix.join(posix.dirname(from), path)
  if (file.startsWith('..') || !exists(file)) return false
  return anchor === undefined || anchorsOf(file).includes(anchor)
}

/** Whether inline code names a file of this repository that is missing. Readers have files of their own, such as `server.ts`. */
function isMissingFile(span: string): boolean {
  if (!/^(?:(?:src|tests|examples|bench|docs|\.ci)\/[\w./-]+|[\w-]+\.md)$/.test(span)) return false
  return !exists(span) && !tracked.some((file) => file.endsWith(`/${span}`))
}

function syntaxErrors(command: string, args: readonly string[], code: string): string {
  const { status, stderr, error } = spawnSync(command, args, { input: code, encoding: 'utf8' })
  if (error !== undefined) return error.message
  return status === 0 ? '' : stderr
}
