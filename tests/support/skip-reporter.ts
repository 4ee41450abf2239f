import type { Reporter } from 'vitest/node'

/** Begins a line of a test file that says why it skips tests. */
export const SKIPPED = 'Skipped: '

/** Says after the summary which tests were left out, and how to run them. */
export function createSkipReporter(
  print: (text: string) => void = (text) => void process.stdout.write(text),
): Reporter {
  const reasons = new Set<string>()
  return {
    onUserConsoleLog: ({ content }) => {
      if (content.startsWith(SKIPPED)) reasons.add(content.slice(SKIPPED.length).trim())
    },
    onTestRunEnd: (modules) => {
      const tests = modules.flatMap((module) => [...module.children.allTests('skipped')])
      const left = tests.filter(({ tags }) => tags.length > 0).length
      if (left > 0) reasons.add(`${left} slow tests and tests of databases: npm run test:slow`)
      if (reasons.size > 0)
        print(`${[...reasons].map((why) => `   ${SKIPPED}${why}\n`).join('')}\n`)
    },
  }
}
