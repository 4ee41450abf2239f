import { readFileSync } from 'node:fs'
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin'

/** Mutants that behave like the source. `code` is the source line, `becomes` lists its mutants, `why` is the reason. */
const EQUIVALENTS = JSON.parse(readFileSync(new URL('equivalents.json', import.meta.url), 'utf8'))

/** Fails the run for a mutant in `src/core` that survives and is not in `equivalents.json`. */
class EquivalentsReporter {
  static inject = ['options']

  constructor(options) {
    // False for a run of a few files (`--mutate`).
    this.isWhole = options.mutate.includes('src/core/**/*.ts')
  }

  onMutationTestReportReady({ files }) {
    const core = Object.entries(files).filter(([file]) => file.startsWith('src/core/'))
    const survivors = core.flatMap(([file, { source, mutants }]) =>
      mutants
        .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
        .map((mutant) => ({ file, ...linesOf(source, mutant) })),
    )
    const unexplained = survivors.filter(({ code, becomes }) => !isEquivalent(code, becomes))
    for (const { file, code, becomes } of unexplained) {
      console.log(`No test fails for ${file}:\n- ${code}\n+ ${becomes}`)
    }
    const sources = core.map(([, { source }]) => onOneLine(source))
    for (const { code, becomes } of outdated(survivors, sources, this.isWhole)) {
      console.log(`Killed, or gone, but still in equivalents.json:\n- ${code}\n+ ${becomes}`)
    }
    if (unexplained.length > 0) process.exitCode = 1
  }
}

function isEquivalent(code, becomes) {
  return EQUIVALENTS.some((known) => known.code === code && known.becomes.includes(becomes))
}

/** Entries of `equivalents.json` without a matching survivor in the files of this run. */
function outdated(survivors, sources, isWhole) {
  return EQUIVALENTS.filter(
    ({ code }) => isWhole || sources.some((source) => source.includes(code)),
  ).flatMap(({ code, becomes }) =>
    becomes
      .filter((line) => !survivors.some((found) => found.code === code && found.becomes === line))
      .map((line) => ({ code, becomes: line })),
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
