import { existsSync, readFileSync } from 'node:fs'
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin'

/** Mutants that behave like the source: the line `code` of a `file`, what it becomes, and why no test can tell. */
const EQUIVALENTS = JSON.parse(readFileSync(new URL('equivalents.json', import.meta.url), 'utf8'))

/** Folders of `src` in which a test fails for each mutant that is not in `equivalents.json`. */
export const STRICT = ['core', 'memory']

/** Fails the run for a mutant in a strict part that survives and is not in `equivalents.json`. */
class EquivalentsReporter {
  onMutationTestReportReady({ files }) {
    const mutantsWith = (...statuses) =>
      Object.entries(files).flatMap(([file, { source, mutants }]) =>
        mutants
          .filter(({ status }) => statuses.includes(status))
          .map((mutant) => ({ file, ...linesOf(source, mutant) })),
      )
    const survivors = mutantsWith('Survived', 'NoCoverage')
    const unexplained = survivors.filter((mutant) => isStrict(mutant) && !isEquivalent(mutant))
    for (const { file, code, becomes } of unexplained) {
      console.log(`No test fails for ${file}:\n- ${code}\n+ ${becomes}`)
    }
    // On a busy machine, an equivalent mutant may time out.
    const alive = mutantsWith('Survived', 'NoCoverage', 'Ignored', 'Timeout')
    for (const { code, becomes } of outdated(alive, Object.keys(files))) {
      console.log(`Killed, or gone, but still in equivalents.json:\n- ${code}\n+ ${becomes}`)
    }
    if (unexplained.length > 0) process.exitCode = 1
  }
}

function isStrict({ file }) {
  return STRICT.includes(file.split('/')[1])
}

function isEquivalent({ file, code, becomes }) {
  return EQUIVALENTS.some((known) => isOf(known, file, code) && known.becomes.includes(becomes))
}

function isOf(known, file, code) {
  return file === known.file && code === known.code
}

/** Entries of `equivalents.json` without such a mutant in the files of this run, or of a file that is gone. */
function outdated(alive, files) {
  return EQUIVALENTS.filter(({ file }) => files.includes(file) || !existsSync(file)).flatMap(
    (known) =>
      known.becomes
        .filter(
          (line) =>
            !alive.some(({ file, code, becomes }) => isOf(known, file, code) && becomes === line),
        )
        .map((line) => ({ code: known.code, becomes: line })),
  )
}

/** The lines of a mutant before and after. */
function linesOf(source, { location: { start, end }, replacement = '' }) {
  const lines = source.split('\n').slice(start.line - 1, end.line)
  const before = (lines[0] ?? '').slice(0, start.column - 1)
  const after = (lines.at(-1) ?? '').slice(end.column - 1)
  return { code: onOneLine(lines.join('\n')), becomes: onOneLine(before + replacement + after) }
}

function onOneLine(text) {
  return text.trim().replaceAll(/\s+/g, ' ')
}

export const strykerPlugins = [
  declareClassPlugin(PluginKind.Reporter, 'equivalents', EquivalentsReporter),
]
