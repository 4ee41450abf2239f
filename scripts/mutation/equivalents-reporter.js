import { readdirSync, readFileSync } from 'node:fs'
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin'

/** Mutants that behave like the source. `code` is the source line, `becomes` lists its mutants, `why` is the reason. */
const EQUIVALENTS = JSON.parse(readFileSync(new URL('equivalents.json', import.meta.url), 'utf8'))

/** Folders of `src` in which a test fails for each mutant that is not in `equivalents.json`. */
export const STRICT = ['core', 'memory']

/** Fails the run for a mutant in a strict part that survives and is not in `equivalents.json`. */
class EquivalentsReporter {
  onMutationTestReportReady({ files }) {
    const strict = Object.entries(files).filter(([file]) => STRICT.includes(file.split('/')[1]))
    const mutantsWith = (...statuses) =>
      strict.flatMap(([file, { source, mutants }]) =>
        mutants
          .filter(({ status }) => statuses.includes(status))
          .map((mutant) => ({ file, ...linesOf(source, mutant) })),
      )
    const survivors = mutantsWith('Survived', 'NoCoverage')
    const unexplained = survivors.filter(({ code, becomes }) => !isEquivalent(code, becomes))
    for (const { file, code, becomes } of unexplained) {
      console.log(`No test fails for ${file}:\n- ${code}\n+ ${becomes}`)
    }
    const sources = strict.map(([, { source }]) => onOneLine(source))
    for (const { code, becomes } of outdated(
      mutantsWith('Survived', 'NoCoverage', 'Ignored'),
      sources,
    )) {
      console.log(`Killed, or gone, but still in equivalents.json:\n- ${code}\n+ ${becomes}`)
    }
    if (unexplained.length > 0) process.exitCode = 1
  }
}

function isEquivalent(code, becomes) {
  return EQUIVALENTS.some((known) => known.code === code && known.becomes.includes(becomes))
}

/** Entries of `equivalents.json` without such a mutant in the files of this run, or without a source. */
function outdated(mutants, sources) {
  const all = STRICT.flatMap(sourcesOf)
  return EQUIVALENTS.filter(({ code }) => has(sources, code) || !has(all, code)).flatMap(
    ({ code, becomes }) =>
      becomes
        .filter((line) => !mutants.some((found) => found.code === code && found.becomes === line))
        .map((line) => ({ code, becomes: line })),
  )
}

function sourcesOf(part) {
  return readdirSync(`src/${part}`, { encoding: 'utf8', recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => onOneLine(readFileSync(`src/${part}/${file}`, 'utf8')))
}

function has(sources, code) {
  return sources.some((source) => source.includes(code))
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
