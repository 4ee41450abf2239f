/**
 * A mutant that no test fails for, as its line of the source and what becomes of that.
 * @typedef {{ file: string, code: string, becomes: string }} Survivor
 */

/**
 * Mutants that nothing can tell from the source, and why.
 * @typedef {{ file: string, code: string, becomes: string[], why: string }} Equivalent
 */

/**
 * What is read of a report of Stryker.
 * @typedef {{ line: number, column: number }} Position
 * @typedef {{ status: string, replacement?: string, location: { start: Position, end: Position } }} Mutant
 * @typedef {{ files: Record<string, { source: string, mutants: Mutant[] }> }} Report
 */

/**
 * What ended the run itself is unjudged.
 * @typedef {{ killed: number, valid: number, unjudged: number, percent: number }} Score
 */

const KILLED = new Set(['Killed', 'Timeout'])
const ALIVE = new Set(['Survived', 'NoCoverage'])

/**
 * How many of the mutants of the files below a folder were noticed.
 * @param {Report} report
 * @param {string} folder
 * @returns {Score}
 */
export function scoreOf({ files }, folder) {
  const statuses = Object.entries(files)
    .filter(([file]) => file.startsWith(folder))
    .flatMap(([, { mutants }]) => mutants.map(({ status }) => status))
  const killed = statuses.filter((status) => KILLED.has(status)).length
  const valid = killed + statuses.filter((status) => ALIVE.has(status)).length
  const unjudged = statuses.filter((status) => status === 'RuntimeError').length
  return { killed, valid, unjudged, percent: valid === 0 ? 100 : (100 * killed) / valid }
}

/**
 * @param {Report} report
 * @param {string} folder
 * @returns {Survivor[]}
 */
export function survivorsOf({ files }, folder) {
  return Object.entries(files)
    .filter(([file]) => file.startsWith(folder))
    .flatMap(([file, { source, mutants }]) =>
      mutants
        .filter(({ status }) => ALIVE.has(status))
        .map((mutant) => ({ file, ...describe(source, mutant) })),
    )
}

/**
 * The survivors that nobody has called equivalent.
 * @param {readonly Survivor[]} survivors
 * @param {readonly Equivalent[]} equivalents
 */
export function findUnexplained(survivors, equivalents) {
  return survivors.filter(
    ({ file, code, becomes }) =>
      !equivalents.some(
        (known) => known.file === file && known.code === code && known.becomes.includes(becomes),
      ),
  )
}

/**
 * What is called equivalent though a test notices it, or the code is no longer there.
 * @param {readonly Equivalent[]} equivalents
 * @param {readonly Survivor[]} survivors
 * @param {readonly string[]} files that were mutated
 */
export function findOutdated(equivalents, survivors, files) {
  return equivalents
    .filter(({ file }) => files.includes(file))
    .flatMap(({ file, code, becomes }) => becomes.map((line) => ({ file, code, becomes: line })))
    .filter(
      (known) =>
        !survivors.some(
          ({ file, code, becomes }) =>
            file === known.file && code === known.code && becomes === known.becomes,
        ),
    )
}

/**
 * The lines of a mutant before and after.
 * @param {string} source
 * @param {Mutant} mutant
 */
function describe(source, { location: { start, end }, replacement = '' }) {
  const lines = source.split('\n').slice(start.line - 1, end.line)
  const before = (lines[0] ?? '').slice(0, start.column - 1)
  const after = (lines.at(-1) ?? '').slice(end.column - 1)
  return { code: onOneLine(lines.join('\n')), becomes: onOneLine(before + replacement + after) }
}

/** @param {string} text */
function onOneLine(text) {
  return text.trim().replaceAll(/\s+/g, ' ')
}
