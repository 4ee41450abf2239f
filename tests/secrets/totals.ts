import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Capture } from './capture.ts'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Each test file appends a line to this file. */
    captureLog: string
  }
}

type Counts = Capture['counts']

/** Fails a whole run that collected too little: a broken capture would find no token. */
export function createTotals(least: Counts): (project: TestProject) => () => Promise<void> {
  return (project) => {
    const folder = mkdtempSync(join(tmpdir(), 'with-auth-capture-'))
    const log = join(folder, 'log')
    writeFileSync(log, '')
    project.provide('captureLog', log)
    return async () => {
      const lines = readFileSync(log, 'utf8').trim().split('\n').filter(Boolean)
      rmSync(folder, { recursive: true })
      const { testFiles } = await project.globTestFiles()
      const { testNamePattern, tagsFilter } = project.vitest.config
      if (testNamePattern !== undefined || tagsFilter !== undefined) return
      if (lines.length < testFiles.length) return
      const totals = sum(lines.map((line) => JSON.parse(line) as Counts))
      const few = (Object.keys(least) as (keyof Counts)[]).filter(
        (name) => totals[name] < least[name],
      )
      // oxlint-disable-next-line no-console
      console.log(`\nSearched for the token of the tests: ${JSON.stringify(totals)}`)
      if (few.length === 0) return
      // Vitest prints an error from here but does not fail.
      process.exitCode = 1
      throw new Error(`Captured too little: ${few.join(', ')}`)
    }
  }
}

function sum(all: readonly Counts[]): Counts {
  const total: Counts = { output: 0, event: 0, error: 0, read: 0, sent: 0 }
  for (const counts of all) {
    for (const name of Object.keys(total) as (keyof Counts)[]) total[name] += counts[name]
  }
  return total
}
