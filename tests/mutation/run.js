// Breaks the code in thousands of ways, and counts how many of them a test notices.
//
//   run.js                       all of src
//   run.js src/core/target.ts    some files
//   run.js --changed             the files of src/core that were changed, for ten minutes at most
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { findChanged } from './changed.js'
import { findOutdated, findUnexplained, scoreOf, survivorsOf } from './survivors.js'

const CORE = 'src/core/'
const LEAST = { [CORE]: 95, 'src/': 85 }
const CHANGED_LIMIT_MS = 600_000
const ROOT = join(import.meta.dirname, '../..')
const REPORT = join(ROOT, '.mutation/report.json')
const STRYKER = join(
  dirname(createRequire(import.meta.url).resolve('@stryker-mutator/core/package.json')),
  'bin/stryker.js',
)
const EQUIVALENTS = JSON.parse(readFileSync(join(import.meta.dirname, 'equivalents.json'), 'utf8'))

const args = process.argv.slice(2)
process.exitCode = (await main()) ? 0 : 1

/** Whether all is well. */
async function main() {
  if (args[0] === '--changed') return runChanged()
  const report = await mutate(args)
  if (report === undefined) return false
  const isKnown = explain(report)
  return args.length > 0 ? isKnown : isEnough(report) && isKnown
}

/** One after the other, so that what was done in time counts. */
async function runChanged() {
  const { files, reason } = findChanged(ROOT)
  if (files.length === 0) {
    console.log(`No mutants: ${reason}.`)
    return true
  }
  const until = performance.now() + CHANGED_LIMIT_MS
  let isKnown = true
  for (const [index, file] of files.entries()) {
    const report = await mutate([file], until - performance.now())
    if (report === undefined && performance.now() >= until) {
      console.log(`Time is up. Not judged: ${files.slice(index).join(', ')}.`)
      return isKnown
    }
    isKnown = report !== undefined && explain(report) && isKnown
  }
  return isKnown
}

/** The report of a run, or `undefined` if it failed or took too long. */
async function mutate(files, limitMs) {
  rmSync(REPORT, { force: true })
  const only = files.length === 0 ? [] : ['--mutate', files.join(',')]
  const child = spawn(
    process.execPath,
    [STRYKER, 'run', join(import.meta.dirname, 'stryker.config.js'), ...only],
    { cwd: ROOT, stdio: 'inherit' },
  )
  const timer = limitMs === undefined ? undefined : setTimeout(() => child.kill(), limitMs)
  const [code] = await once(child, 'exit')
  clearTimeout(timer)
  return code === 0 ? JSON.parse(readFileSync(REPORT, 'utf8')) : undefined
}

/** Whether each survivor in the core is one that nothing can tell from the source, and each of these has survived. */
function explain(report) {
  const survivors = survivorsOf(report, CORE)
  const files = Object.keys(report.files)
  const unexplained = findUnexplained(survivors, EQUIVALENTS)
  const outdated = findOutdated(EQUIVALENTS, survivors, files)
  print('No test notices', unexplained)
  print('Noticed, or gone, but still in equivalents.json', outdated)
  return unexplained.length + outdated.length === 0
}

function isEnough(report) {
  const misses = Object.entries(LEAST).filter(([folder, least]) => {
    const { killed, valid, percent } = scoreOf(report, folder)
    console.log(`${folder}: ${percent.toFixed(2)} % (${killed} of ${valid}), least is ${least} %`)
    return percent < least
  })
  return misses.length === 0
}

function print(title, mutants) {
  for (const { file, code, becomes } of mutants) {
    console.log(`${title}: ${file}\n- ${code}\n+ ${becomes}`)
  }
}
