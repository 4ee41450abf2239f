/** A part of a page that a reader acts on, in the order of the page. */
export type Step =
  | { readonly kind: 'run'; readonly line: number; readonly code: string; readonly output?: string }
  | { readonly kind: 'save'; readonly line: number; readonly name: string; readonly code: string }

// A block of code with the line above it, a heading, or the row for Node in a table of commands.
const PART =
  /(?:^(?<above>[^\n]+)\n\n?)?^```(?<language>\w*)[^\n]*\n(?<code>.*?)^```$|^(?<heading>#+) |^\| Node +\| `(?<command>[^`]+)` +\|/gms
const NOT_RUN = /^<!-- not run: .+ -->$/
const SAVED = /`([\w.-]+\.\w+)`:$/

/**
 * Reads what a page tells its reader to do:
 * - A `sh` block is run, unless the comment `<!-- not run: REASON -->` stands above it.
 * - The next `text` block below the same heading is its output.
 * - A block below a line that ends with a name, such as "Save this as `server.mjs`:", is saved under that name.
 * - In a table of commands for each runtime, the command for Node is run.
 */
export function readSteps(markdown: string): Step[] {
  const steps: Step[] = []
  let isOutput = false
  for (const { 0: all, index, groups = {} } of markdown.matchAll(PART)) {
    const { above = '', language, code = '', heading, command } = groups
    const start = index + Math.max(all.indexOf('```'), 0)
    const line = markdown.slice(0, start).split('\n').length
    const last = steps.at(-1)
    if (command !== undefined) steps.push({ kind: 'run', line, code: `${command}\n` })
    if (language === 'text' && isOutput && last?.kind === 'run') {
      steps[steps.length - 1] = { ...last, output: code }
    }
    const name = SAVED.exec(above)?.[1]
    const isRun = language === 'sh' && !NOT_RUN.test(above)
    if (isRun) steps.push({ kind: 'run', line, code })
    if (!isRun && language !== undefined && name !== undefined) {
      steps.push({ kind: 'save', line, name, code })
    }
    isOutput = heading === undefined && (isRun || command !== undefined)
  }
  return steps
}

// These differ in each run.
const CHANGING: readonly (readonly [RegExp, string])[] = [
  [/withauth_[\dA-Za-z]{49}\b/g, '<key>'],
  [/withauth_[\dA-Za-z]{6}\b/g, '<prefix>'],
  [/\bkey_[a-z2-7]{12}\b/g, '<id>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '<time>'],
  [/\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/g, '<date>'],
  [/\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/g, '<uuid>'],
  [/\b[\d.]+ ms\b/g, '<duration>'],
  [/(?<="durationMs":)[\d.]+/g, '<duration>'],
]

/** The lines of an output. Ids, keys and times count as equal. */
export function readLines(output: string): string[] {
  const text = CHANGING.reduce((all, [pattern, name]) => all.replace(pattern, name), output)
  return text.trim().split(/[ \t\r]*\n/)
}

/** Leaves out the lines for which `...` stands in the documented output. */
export function shorten(actual: readonly string[], documented: readonly string[]): string[] {
  const shortened: string[] = []
  let rest = [...actual]
  documented.forEach((line, index) => {
    if (line === '...') {
      const next = documented[index + 1]
      const found = next === undefined ? rest.length : rest.indexOf(next)
      rest = found === -1 ? rest : rest.slice(found)
      shortened.push(line)
    } else {
      shortened.push(...rest.slice(0, 1))
      rest = rest.slice(1)
    }
  })
  return [...shortened, ...rest]
}

const NAMED = /\bkey_[a-z2-7]{12}\b|\bwithauth_[\dA-Za-z]{49}\b/g

/** Which id or key of this run stands for each one in the documented output. */
export function findNames(documented: string, actual: string): [string, string][] {
  const real = actual.match(NAMED) ?? []
  const names = documented.match(NAMED) ?? []
  return names.flatMap((name, index) => (real[index] === undefined ? [] : [[name, real[index]]]))
}
