/** @module-tag slow */
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ensureBuilt } from '../support/built-package.ts'
import { exists, readText } from '../support/project.ts'
import { findNames, readLines, readSteps, shorten } from './steps.ts'
import { startSession } from './session.ts'
import type { Session } from './session.ts'

/** Runs the commands of the pages that a new user follows, in their order, and compares what they print. */

const PAGES = ['README.md', 'docs/getting-started.md', 'docs/gateway.md', 'docs/keys.md']
const MOST_MS = 120_000

let sessions: Session[] = []

beforeAll(ensureBuilt, 60_000)
afterEach(async () => {
  await Promise.all(sessions.map((session) => session.end()))
  sessions = []
})

/** Does what a page says. Returns what came out otherwise: the place, what is documented, and what was printed. */
async function follow(page: string, markdown: string): Promise<unknown[]> {
  const session = await startSession()
  sessions.push(session)
  const differences: unknown[] = []
  const names = new Map<string, string>()
  for (const step of readSteps(markdown)) {
    const place = `${page}:${step.line}`
    const code = [...names].reduce((text, [name, real]) => text.replaceAll(name, real), step.code)
    if (step.kind === 'save') {
      session.save(step.name, code)
      continue
    }
    const documented = step.output === undefined ? [] : readLines(step.output)
    const isComplete = (text: string): boolean => {
      const lines = readLines(text)
      return documented.every((line) => lines.includes(line))
    }
    const { status, text, isServer } = await session.run(code, isComplete)
    if (status !== 0) return [...differences, { place, status, printed: text }]
    if (step.output === undefined) continue
    for (const [name, real] of findNames(step.output, text)) names.set(name, real)
    const lines = readLines(text)
    // A terminal shows another form of the log than a pipe gets.
    const printed = isServer
      ? lines.filter((line) => documented.includes(line))
      : shorten(lines, documented)
    if (JSON.stringify(printed) === JSON.stringify(documented)) continue
    differences.push({ place, documented, printed: isServer ? lines : printed })
  }
  return differences
}

describe('the commands of a page print what it shows', () => {
  it.each(PAGES.filter(exists))('%s', { timeout: MOST_MS }, async (page) => {
    const markdown = readText(page)
    expect(readSteps(markdown).length).toBeGreaterThan(4)
    expect(await follow(page, markdown)).toEqual([])
  })
})
