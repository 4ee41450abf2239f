/** A fenced block of code. */
export interface Fence {
  /** The first word after the fence, such as `ts`. */
  readonly language: string
  /** The second word, which says where the code runs. */
  readonly place: string
  readonly code: string
  /** The first line of the code in the file, counted from 1. */
  readonly line: number
}

export function readFences(markdown: string): Fence[] {
  return [...markdown.matchAll(/^```(\w*)[ \t]*(\w*)[^\n]*\n(.*?)^```[ \t]*$/gms)].map(
    ({ index, 1: language = '', 2: place = '', 3: code = '' }) => ({
      language,
      place,
      code,
      line: markdown.slice(0, index).split('\n').length + 1,
    }),
  )
}

/** The rows of the table whose first column has this header. Cells must not hold a pipe. */
export function readTable(markdown: string, head: string): string[][] {
  const lines = markdown.split('\n')
  const start = lines.findIndex((line) => readCells(line)[0] === head)
  if (start === -1) throw new Error(`There is no table with the column "${head}"`)
  const body = lines.slice(start + 2)
  const end = body.findIndex((line) => !line.startsWith('|'))
  return body.slice(0, end === -1 ? undefined : end).map(readCells)
}

/** A table in the style of the formatter. The first row is the header. */
export function renderTable(cells: readonly (readonly string[])[]): string {
  const [head = []] = cells
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const [header = '', ...lines] = cells.map((row) =>
    toLine(row.map((cell, column) => cell.padEnd(widths[column] ?? 0))),
  )
  return [header, toLine(widths.map((width) => '-'.repeat(width))), ...lines].join('\n')
}

function toLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** The targets of links outside code. */
export function readLinks(markdown: string): string[] {
  const prose = withoutFences(markdown).replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(({ 1: target = '' }) => target)
}

/** The fragments that GitHub makes from headings. */
export function readAnchors(markdown: string): string[] {
  return [...withoutFences(markdown).matchAll(/^#+ (.+)$/gm)].map(({ 1: heading = '' }) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

/** The inline code of the prose. */
export function readCodeSpans(markdown: string): string[] {
  return [...withoutFences(markdown).matchAll(/`([^`\n]+)`/g)].map(({ 1: code = '' }) => code)
}

export function withoutBackticks(cell: string): string {
  return cell.replaceAll('`', '')
}

function withoutFences(markdown: string): string {
  return markdown.replace(/^```.*?^```[ \t]*$/gms, '')
}

function readCells(line: string): string[] {
  if (!line.startsWith('|')) return []
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}
