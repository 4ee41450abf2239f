// Breaks the code in thousands of ways, and counts how many of them a test notices.
//
//   run.js                       all of src
//   run.js core yaml             some parts of it
//   run.js src/core/request/target.ts    some files
//   run.js --changed             the files of src/core that were changed, for two minutes at most
//
// What was noticed is kept in .mutation: a run that was ended goes on where it was. Without that folder it begins anew.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runNode } from './bounded-process.js'
import { isRecording, writeFigures } from '../figures/write.js'
import { findChanged } from './changed.js'
import { findFiles, findParts, inGroups, partOf } from './parts.js'
import { forgetSurvivors, nameOfResults, readReport, resultsOf } from './results.js'
import { findOutdated, findUnexplained, scoreOf, survivorsOf } from './survivors.js'

const CORE = 'src/core/'
const LEAST = { core: 95, all: 85 }
const CHANGED_LIMIT_MS = 120_000
const HERE = import.meta.dirname
const ROOT = join(HERE, '../..')
const REPORT = join(ROOT, '.mutation/report.json')
const STRYKER = join(HERE, 'node_modules/@stryker-mutator/core/bin/stryker.js')
const EQUIVALENTS = JSON.parse(readFileSync(join(HERE, 'equivalents.json'), 'utf8'))

const args = process.argv.slice(2)
process.exitCode = (await main()) ? 0 : 1

/** Whether all is well. */
async function main() {
  if (!existsSync(STRYKER)) throw new Error('Run `npm ci --prefix tests/mutation` first')
  if (args[0] === '--changed') return runChanged()
  const wanted = args.length > 0 ? args : findParts(ROOT)
  const files = wanted.flatMap((name) => filesOf(name))
  const report = await mutateAll(files)
  printScores(report, files)
  const unexplained = unexplainedOf(report)
  const outdated = findOutdated(EQUIVALENTS, survivorsOf(report, CORE), Object.keys(report.files))
  print('Noticed, or gone, but still in equivalents.json', outdated)
  const isWell = hasEnough(report, wanted) && unexplained.length + outdated.length === 0
  if (isWell && isRecording && args.length === 0) writeFigures({ mutants: figuresOf(report) })
  return isWell
}

function filesOf(name) {
  if (name.endsWith('.ts') && existsSync(join(ROOT, name))) return [name]
  const files = findFiles(ROOT, name)
  if (files.length > 0) return files
  throw new Error(`"${name}" is neither a file nor a part of src: ${findParts(ROOT).join(', ')}`)
}

/** Part by part, a few files at a time. */
async function mutateAll(files) {
  const parts = [...new Set(files.map(partOf))]
  const groups = parts.flatMap((part) => inGroups(files.filter((file) => partOf(file) === part)))
  const report = { files: {} }
  for (const group of groups) {
    const results = await mutate(group)
    if (results === undefined) throw new Error(`Stryker failed on ${group.join(', ')}`)
    explain(results)
    Object.assign(report.files, results.files)
  }
  return report
}

/**
 * One file after the other, so that what was judged in time counts. Only a survivor fails: what could not be judged,
 * since time was up or a test is red, is said.
 */
async function runChanged() {
  const { files, reason } = findChanged(ROOT)
  if (files.length === 0) console.log(`No mutants: ${reason}.`)
  const until = performance.now() + CHANGED_LIMIT_MS
  let isExplained = true
  for (const file of files) {
    const results = await mutateTwice(file, until)
    if (results === undefined) console.log(`Not judged: ${file}.`)
    isExplained = (results === undefined || explain(results).length === 0) && isExplained
  }
  return isExplained
}

/** What survives is tried again, as far as there is time: a busy machine may hide that it is noticed. */
async function mutateTwice(file, until) {
  const results = await mutate([file], until - performance.now())
  if (results === undefined || unexplainedOf(results).length === 0) return results
  return (await mutate([file], until - performance.now())) ?? results
}

/** What became of the mutants of some files of one part; `undefined` if that failed or took too long. */
async function mutate(files, limitMs = Infinity) {
  const part = partOf(files[0])
  const kept = join(ROOT, '.mutation', nameOfResults(files))
  forgetSurvivors(kept)
  rmSync(REPORT, { force: true })
  const code = await runNode(
    [
      STRYKER,
      'run',
      join(HERE, 'stryker.config.js'),
      '--mutate',
      files.join(','),
      '--incrementalFile',
      kept,
    ],
    { limitMs, cwd: ROOT, env: { ...process.env, WITH_AUTH_MUTATED: part } },
  )
  const report = code === 0 ? readReport(REPORT) : undefined
  return report === undefined ? undefined : resultsOf(report, files)
}

/** The survivors in the core that nobody has called equivalent. */
function unexplainedOf(report) {
  return findUnexplained(survivorsOf(report, CORE), EQUIVALENTS)
}

function explain(report) {
  const unexplained = unexplainedOf(report)
  print('No test notices', unexplained)
  return unexplained
}

function figuresOf(report) {
  const [core, all] = [CORE, 'src/'].map((folder) => {
    const { killed, valid } = scoreOf(report, folder)
    return { killed, valid }
  })
  return { core, all }
}

function printScores(report, files) {
  const folders = files.map((file) => file.replace(/[^/]+$/, ''))
  for (const name of [...files, ...new Set(folders)]) console.log(lineOf(report, name))
}

function hasEnough(report, wanted) {
  const core = wanted.includes('core') ? [[CORE, LEAST.core]] : []
  const all = args.length === 0 ? [['src/', LEAST.all]] : []
  const misses = [...core, ...all].filter(([folder, least]) => {
    console.log(`${lineOf(report, folder)}: ${least} % is the least`)
    return scoreOf(report, folder).percent < least
  })
  return misses.length === 0
}

function lineOf(report, name) {
  const { killed, valid, unjudged, percent } = scoreOf(report, name)
  const rest = unjudged === 0 ? '' : `, ${unjudged} more ended the run`
  return `${percent.toFixed(2).padStart(6)} % (${killed} of ${valid}${rest}) ${name}`
}

function print(title, mutants) {
  for (const { file, code, becomes } of mutants) {
    console.log(`${title}: ${file}\n- ${code}\n+ ${becomes}`)
  }
}
