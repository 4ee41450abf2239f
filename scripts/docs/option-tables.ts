import { renderTable } from '../../tests/support/markdown.ts'
import { readDocumentation } from './documented-types.ts'

const TABLE = /(?<=<!-- options of (\w+): begin -->\n).*?(?=\n<!-- options: end -->)/gs
const HEAD = ['option', 'default', 'meaning']

/** The page with a table of all options for each type that it names. */
export function withOptionTables(page: string): string {
  return page.replaceAll(
    TABLE,
    (_table, type: string) => `\n${renderTable([HEAD, ...rowsOf(type)])}\n`,
  )
}

function rowsOf(type: string): string[][] {
  return [...readDocumentation(type)].map(([name, { text, byDefault, isRequired }]) => [
    `\`${name}\``,
    byDefault === undefined ? (isRequired ? 'required' : '-') : inCode(byDefault),
    text.replaceAll('|', '\\|'),
  ])
}

function inCode(value: string): string {
  return /`| [a-z]+ /.test(value) ? value : `\`${value}\``
}
