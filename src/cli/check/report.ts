import { basename } from 'node:path'
import { escapeHidden, showFile } from '../shown-value.ts'
import { EXIT } from '../surroundings.ts'
import type { Surroundings } from '../surroundings.ts'
import type { Finding } from './finding.ts'

const COLORS = { ok: 32, warning: 33, error: 31 } as const
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 8000

/** Checks again until no error is left, or the time is over. Tells once that it waits. */
export async function repeat(
  check: () => Promise<readonly Finding[]>,
  waitMs: number,
  note: Surroundings['note'],
): Promise<readonly Finding[]> {
  const endsAt = performance.now() + waitMs
  let found = await check()
  const first = found.find((one) => isError(one))
  if (first === undefined || waitMs === 0) return found
  note(escapeHidden(`with-auth: waiting for at most ${waitMs / 1000} s: ${first.says}\n`))
  // GitHub blocks an address that sends many wrong tokens.
  for (let pauseMs = FIRST_PAUSE_MS; found.some(isError); pauseMs *= 2) {
    const leftMs = endsAt - performance.now()
    if (leftMs <= 0) return found
    const waitedMs = Math.min(pauseMs, LONGEST_PAUSE_MS, leftMs)
    await new Promise((resolve) => setTimeout(resolve, waitedMs))
    found = await check()
  }
  return found
}

function isError({ level }: Finding): boolean {
  return level === 'error'
}

/** 3 if nothing in the file has to change, and a service did not answer. */
export function exitOf(found: readonly Finding[]): number {
  const errors = found.filter(isError)
  if (errors.length === 0) return EXIT.ok
  return errors.every(({ isOutage }) => isOutage === true) ? EXIT.undecided : EXIT.failed
}

export function toJson(file: string, found: readonly Finding[]): string {
  const findings = found.map(({ isOutage, ...one }) => ({ ...one, outage: isOutage === true }))
  const ok = !found.some(isError)
  return escapeHidden(`${JSON.stringify({ file: showFile(file), ok, findings })}\n`)
}

/** One finding in a line, as compilers write it, and below it what to do. */
export function describe(file: string, found: readonly Finding[], colors: boolean): string {
  const name = showFile(basename(file))
  const lines = found.map(({ level, line, says, change }) => {
    const word = colors ? `\u{1b}[${COLORS[level]}m${level}\u{1b}[0m` : level
    const below = change === undefined ? '' : `\n    ${inLine(change)}`
    return `${inLine(name)}:${line}: ${word}: ${inLine(says)}${below}\n`
  })
  return `${lines.join('')}${conclude(found)}\n`
}

/** A text of the file or of a service gets no line of its own. */
function inLine(text: string): string {
  return escapeHidden(text).replaceAll('\n', String.raw`\n`)
}

function conclude(found: readonly Finding[]): string {
  const count = (level: Finding['level'], word: string): string => {
    const number = found.filter((one) => one.level === level).length
    return `${number === 0 ? 'no' : number} ${word}${number === 1 ? '' : 's'}`
  }
  return `${count('error', 'error')}, ${count('warning', 'warning')}`
}
