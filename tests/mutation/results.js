import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/** @typedef {import('./survivors.js').Report} Report */

/**
 * Where the results for some files are kept. They name the tests that ran, which are others for other files.
 * @param {readonly string[]} files
 */
export function nameOfResults(files) {
  const hash = createHash('sha256').update(files.join('\n')).digest('hex')
  return `${files[0]?.replaceAll('/', '-')}-${hash.slice(0, 8)}.json`
}

/**
 * Drops what has survived from the results that are kept. The others save their run; these may be noticed by now, by a
 * test that was there before.
 * @param {string} file
 */
export function forgetSurvivors(file) {
  const report = readReport(file)
  if (report === undefined) return
  for (const result of Object.values(report.files)) {
    result.mutants = result.mutants.filter(({ status }) => status === 'Killed')
  }
  writeFileSync(file, JSON.stringify(report))
}

/**
 * @param {string} file
 * @returns {Report | undefined}
 */
export function readReport(file) {
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // The run was ended while it wrote this.
    rmSync(file)
    return undefined
  }
}

/**
 * The results of some files alone: a report has those of all that was ever mutated.
 * @param {Report} report
 * @param {readonly string[]} files
 * @returns {Report}
 */
export function resultsOf(report, files) {
  return {
    files: Object.fromEntries(
      Object.entries(report.files).filter(([file]) => files.includes(file)),
    ),
  }
}
