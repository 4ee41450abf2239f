import { readFileSync } from 'node:fs'

// Counts the tests of several reports. Two runs may divide the tests of a file: each then skips those of the other.
const results = process.argv.slice(2).flatMap((report) => {
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
  return testResults.flatMap(({ name, status: ofFile, message, assertionResults }) => [
    ...assertionResults.map(({ status, fullName, failureMessages }, index) => ({
      test: `${name} ${index}`,
      status,
      failure: `${name}: ${fullName}\n${failureMessages?.join('\n')}`,
    })),
    // A file that could not be loaded has no tests, and one whose `beforeAll` failed has skipped them.
    ...(ofFile === 'failed' && !assertionResults.some(({ status }) => status === 'failed')
      ? [{ test: name, status: 'failed', failure: `${name}\n${message}` }]
      : []),
  ])
})
const count = (wanted) =>
  new Set(results.filter(({ status }) => status === wanted).map(({ test }) => test)).size
const all = new Set(results.map(({ test }) => test)).size
const [passed, failed] = [count('passed'), count('failed')]
// The end of a log is often all that is kept of it.
const failures = results.filter(({ status }) => status === 'failed').slice(0, 10)
for (const { failure } of failures) process.stdout.write(`FAILED ${failure.slice(0, 1_500)}\n\n`)
process.stdout.write(`${passed} passed, ${failed} failed, ${all - passed - failed} skipped\n`)
