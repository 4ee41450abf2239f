// Prints how many mutants the tests killed, from the reports in `.mutation`.
import { readdirSync, readFileSync } from 'node:fs'
import { isRecording, writeFigures } from '../figures/write.js'

const reports = readdirSync('.mutation').filter((name) => /^report-.*\.json$/.test(name))
const statuses = reports.flatMap((name) =>
  Object.entries(JSON.parse(readFileSync(`.mutation/${name}`, 'utf8')).files).flatMap(
    ([file, { mutants }]) => mutants.map(({ status }) => ({ file, status })),
  ),
)

function scoreOf(folder) {
  const count = (...names) =>
    statuses.filter(({ file, status }) => file.startsWith(folder) && names.includes(status)).length
  const killed = count('Killed', 'Timeout')
  return { killed, valid: killed + count('Survived', 'NoCoverage') }
}

const mutants = { core: scoreOf('src/core/'), all: scoreOf('src/') }
console.log(mutants)
if (isRecording) writeFigures({ mutants })
