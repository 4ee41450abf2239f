// Prints how many mutants of each part the tests killed, from the reports in `.mutation`.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { isRecording, writeFigures } from '../figures/write.js'

const reports = readdirSync('.mutation')
  .filter((name) => /^report-.*\.json$/.test(name))
  .map((name) => `.mutation/${name}`)
  .toSorted((one, other) => statSync(one).mtimeMs - statSync(other).mtimeMs)
// The newest report of a file counts: an older one may be of other parts.
const files = new Map(
  reports.flatMap((report) => Object.entries(JSON.parse(readFileSync(report, 'utf8')).files)),
)
const present = [...files].filter(([file]) => existsSync(file))
const statuses = present.flatMap(([file, { mutants }]) =>
  mutants.map(({ status }) => ({ part: file.split(/[/.]/)[1], status })),
)

function scoreOf(part) {
  const ofPart = statuses.filter((one) => part === undefined || one.part === part)
  const count = (...names) => ofPart.filter(({ status }) => names.includes(status)).length
  const killed = count('Killed', 'Timeout')
  return { killed, valid: killed + count('Survived', 'NoCoverage') }
}

const parts = [...new Set(statuses.map(({ part }) => part))]
const percent = ({ killed, valid }) => Math.round((1000 * killed) / valid) / 10
console.table(
  Object.fromEntries(
    parts.map((part) => [part, { '%': percent(scoreOf(part)), ...scoreOf(part) }]),
  ),
)
const mutants = { core: scoreOf('core'), all: scoreOf() }
console.log(mutants)
if (isRecording) writeFigures({ mutants })
