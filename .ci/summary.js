import { readFileSync } from 'node:fs'

// Counts the tests of several reports. Two runs may divide the tests of a file: each then skips those of the other.
const results = process.argv.slice(2).flatMap((report) => {
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ status }, index) => ({ test: `${name} ${index}`, status })),
  )
})
const count = (wanted) =>
  new Set(results.filter(({ status }) => status === wanted).map(({ test }) => test)).size
const all = new Set(results.map(({ test }) => test)).size
const [passed, failed] = [count('passed'), count('failed')]
process.stdout.write(`${passed} passed, ${failed} failed, ${all - passed - failed} skipped\n`)
