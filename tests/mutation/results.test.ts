import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { setupFolder } from '../support/temporary-folder.ts'
import { forgetSurvivors, nameOfResults, readReport, resultsOf } from './results.js'

const pathOf = setupFolder()

const mutant = (status: string) => ({
  status,
  location: { start: { line: 1, column: 1 }, end: { line: 1, column: 2 } },
})

it('what a test has noticed is kept, the rest is tried again', () => {
  const file = pathOf('kept.json')
  const mutants = ['Killed', 'Survived', 'Timeout', 'NoCoverage'].map(mutant)
  writeFileSync(file, JSON.stringify({ files: { 'a.ts': { source: 'a', mutants } }, other: 1 }))
  forgetSurvivors(file)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    files: { 'a.ts': { source: 'a', mutants: [mutant('Killed')] } },
    other: 1,
  })
})

it('what is not there, or only half written, is begun anew', () => {
  const file = pathOf('half.json')
  forgetSurvivors(file)
  expect(readReport(file)).toBeUndefined()
  writeFileSync(file, '{"files": {')
  forgetSurvivors(file)
  expect(readReport(file)).toBeUndefined()
})

it('the results of a run are those of its files', () => {
  const files = { 'a.ts': { source: '', mutants: [] }, 'b.ts': { source: '', mutants: [] } }
  expect(Object.keys(resultsOf({ files }, ['b.ts', 'c.ts']).files)).toEqual(['b.ts'])
})

it('each group of files has results of its own', () => {
  const names = [['src/a.ts'], ['src/a.ts', 'src/b.ts'], ['src/b.ts']].map(nameOfResults)
  expect(new Set(names).size).toBe(3)
  expect(names[0]).toMatch(/^src-a\.ts-[\da-f]{8}\.json$/)
})
