// Prints how many mutants of the given parts the tests killed, and records it if asked to. The scores of other parts stay.
import { existsSync, readFileSync } from 'node:fs'
import { isRecording, writeParts } from '../figures/write.js'

const reports = process.argv
  .slice(2)
  .map((part) => ({ part, report: `.mutation/report-${part.replace('/', '-')}.json` }))
  .filter(({ report }) => existsSync(report))
const scores = Object.fromEntries(reports.map(({ part, report }) => [part, scoreOf(report)]))

function scoreOf(report) {
  const { files } = JSON.parse(readFileSync(report, 'utf8'))
  // A report remembers files that are gone.
  const present = Object.entries(files).filter(([file]) => existsSync(file))
  const mutants = present.flatMap(([, file]) => file.mutants)
  const count = (...names) => mutants.filter(({ status }) => names.includes(status)).length
  const killed = count('Killed', 'Timeout')
  return { killed, valid: killed + count('Survived', 'NoCoverage') }
}

const percent = ({ killed, valid }) => Math.round((1000 * killed) / valid) / 10
console.table(
  Object.fromEntries(
    Object.entries(scores).map(([part, score]) => [part, { '%': percent(score), ...score }]),
  ),
)
if (isRecording) writeParts('mutants', scores)
