/** Where something stands in a text, from `start` to before `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

const BEFORE = 70
const AFTER = 40
const INDENT = '    '
// They show where a value begins and ends, and say nothing of what is in it.
const STRUCTURE = /[\s{}[\],:"']/

/**
 * Draws the line of an offset with a caret below. A file holds the secrets of a whole server, so what is not named as
 * shown is masked. Gives `''` for a line that is blank.
 */
export function drawExcerpt(text: string, offset: number, shown: readonly Range[]): string {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1
  const start = Math.max(lineStart, offset - BEFORE)
  const end = Math.min(endOfLine(text, offset), offset + AFTER)
  const near = shown.filter((range) => range.start < end && range.end > start)
  const isShown = (at: number): boolean => near.some((range) => at >= range.start && at < range.end)
  const line = text
    .slice(start, end)
    .split('')
    .map((character, index) => mask(character, isShown(start + index)))
    .join('')
  if (line.trim() === '') return ''
  return `${INDENT}${line.trimEnd()}\n${INDENT}${' '.repeat(offset - start)}^`
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end
}

// A tab is as wide as the caret's line makes it.
function mask(character: string, isShown: boolean): string {
  if (/\s/.test(character)) return ' '
  return isShown || STRUCTURE.test(character) ? character : '*'
}
