import { execFileSync, spawnSync } from 'node:child_process'
import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { readCodeSpans, readLinks } from '../support/markdown.ts'
import { exists, readJson, readText, ROOT } from '../support/project.ts'
import { findTypeErrors, isPlace } from '../support/type-check.ts'
import { anchorsOf, createPage, pageNamed, PAGES } from './pages.ts'
import { readSteps } from './steps.ts'
import type { Page, PageFence } from './pages.ts'

const COMPILE = { tags: ['slow'], timeout: 60_000 }
const MOST_LINES = 250

const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).split('\n')
const { scripts } = readJson<{ scripts: Record<string, string> }>('package.json')

describe.each(PAGES.map((page) => [page.file, page] as const))('%s', (file, page) => {
  it('has links and anchors that resolve', () => {
    const local = readLinks(page.text).filter((target) => !/^(?:https?|mailto):/.test(target))
    expect(local.filter((target) => !resolves(target, file))).toEqual([])
  })

  it('has fewer than 250 lines', ({ skip }) => {
    skip(page.isGenerated || file.startsWith('bench/'), 'a command writes this page')
    expect(linesOf(page.text)).toBeLessThan(MOST_LINES)
  })

  it('begins with its title', () => {
    expect(page.text).toMatch(/^# \S/)
    expect(page.text.match(/^# /gm)?.length).toBe(1 + commentsInShell(page))
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

  it.each(blocksOf('sh'))('of shell commands parses: %s', (_, { code }) => {
    expect(syntaxErrors('sh', ['-n'], code)).toBe('')
  })

  it.each(blocksOf('python'))('of Python compiles: %s', (_, { code }) => {
    expect(
      syntaxErrors('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], code),
    ).toBe('')
  })

  it('is in a language that a test or a reader knows', () => {
    const checked = ['ts', 'js', 'json', 'yaml', 'sh', 'python', 'sql']
    const shown = ['text', 'ini', 'nginx', 'caddy', 'go', 'php', 'mermaid', 'toml', 'dockerfile']
    const others = PAGES.flatMap(labelled).filter(
      ([, { language }]) => ![...checked, ...shown].includes(language),
    )
    expect(others.map(([name, { language }]) => `${name}: ${language}`)).toEqual([])
  })
})

// A name such as `server.mjs` has no types on any runtime.
it.each([
  ['README.md, the first block', pageNamed('README.md').fences[0]?.code ?? ''],
  ...PAGES.flatMap(savedAsJavaScript),
])('what is saved as JavaScript is JavaScript: %s', (_, code) => {
  expect(syntaxErrors(process.execPath, ['--check', '--input-type=module', '-'], code)).toBe('')
})

describe('the README', () => {
  it('has at most 200 lines and 12 kB', () => {
    const text = readText('README.md')
    expect(linesOf(text)).toBeLessThanOrEqual(200)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(12_000)
  })

  it('names the two commands that set up a clone, which .ci/run runs', () => {
    const readme = readText('README.md')
    expect(readme).toContain('npm ci && npm start')
    expect(readme).toContain('npm ci && npm test')
    const run = readText('.ci/run')
    for (const command of ['npm ci', 'npm start', 'npm test']) {
      expect(run).toMatch(new RegExp(`(?:^|')${command}(?:'| [->]|$)`, 'm'))
    }
  })
})

it('npm start says that it builds, before the build', () => {
  expect(scripts['start']).toMatch(/^echo Building with-auth \.\.\. && npm run --silent build && /)
})

describe('the check of a page', () => {
  const page = createPage(
    'docs/a.md',
    '# A\n\n<!-- examples/x.js -->\n\n```js\nx\n```\n\n```ts node\ny\n```\n',
  )

  it('reads the comment before a block', () => {
    expect(page.fences.map(({ comment, line }) => [comment, line])).toEqual([
      ['examples/x.js', 6],
      [undefined, 10],
    ])
  })

  it.each([
    ['keys.md', 'docs/contributing/advisories.md', false],
    ['../../SECURITY.md', 'docs/contributing/advisories.md', true],
    ['../../SECURITY.md#nothing-such', 'docs/contributing/advisories.md', false],
    ['#no-heading', 'SECURITY.md', false],
    ['#report-a-vulnerability', 'SECURITY.md', true],
    ['docs/', 'SECURITY.md', true],
    ['../elsewhere.md', 'SECURITY.md', false],
  ])('follows the link %s of %s', (target, file, found) => {
    expect(resolves(target, file)).toBe(found)
  })

  it('finds an error of the shell and of Python', () => {
    expect(syntaxErrors('sh', ['-n'], 'if true; then')).not.toBe('')
  })
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

/** Comments of shell, Python and YAML begin as a title does. */
function commentsInShell({ fences }: Page): number {
  return fences.reduce((sum, { code }) => sum + (code.match(/^# /gm)?.length ?? 0), 0)
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
