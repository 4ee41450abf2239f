import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureBuilt } from '../support/built-package.ts'
import { readFences } from '../support/markdown.ts'
import { readText, ROOT } from '../support/project.ts'

const EXAMPLES = readFences(readText('docs/testing.md')).filter(({ language }) => language === 'ts')
const DEPENDENCIES = ['hono', 'msw', 'undici', 'vitest']

interface Result {
  readonly status: string
  readonly fullName: string
  readonly failureMessages: readonly string[]
}

describe('the test files of docs/testing.md', { tags: ['slow'] }, () => {
  let folder = ''
  let results: Map<string, readonly Result[]>

  beforeAll(() => {
    ensureBuilt()
    folder = createProject()
    results = runVitest(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(EXAMPLES.map((example) => ({ line: example.line, file: nameOf(example.line) })))(
    'pass: line $line',
    ({ file }) => {
      const tests = results.get(file) ?? []
      expect(tests.length).toBeGreaterThan(0)
      expect(tests.filter(({ status }) => status !== 'passed')).toEqual([])
    },
  )
})

/** A folder that has every example as a test file, and the built package in its `node_modules`. */
function createProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'with-auth-'))
  mkdirSync(join(folder, 'node_modules'))
  for (const name of DEPENDENCIES) {
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
  symlinkSync(ROOT, join(folder, 'node_modules/with-auth'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const { line, code } of EXAMPLES) writeFileSync(join(folder, nameOf(line)), code)
  return folder
}

function nameOf(line: number): string {
  return `line-${line}.test.ts`
}

/** Runs Vitest in the folder, and returns the tests of each file. */
function runVitest(folder: string): Map<string, readonly Result[]> {
  const report = join(folder, 'report.json')
  try {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
    const args = [vitest, 'run', '--reporter=json', `--outputFile=${report}`]
    execFileSync(process.execPath, args, { cwd: folder, stdio: 'pipe' })
  } catch {
    // A test has failed: the report says which.
  }
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: { name: string; assertionResults: Result[] }[]
  }
  return new Map(
    testResults.map(({ name, assertionResults }) => [basename(name), assertionResults]),
  )
}
