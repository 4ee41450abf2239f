import { COMMON_OPTIONS } from './command-line.ts'
import type { Command, OptionSpecs } from './command-line.ts'

const COLUMNS = 80

type Row = readonly [name: string, text: string]

export function describeCommands(commands: readonly Command[]): string {
  return compose([
    'with-auth: ask your auth endpoint before each request reaches your server',
    section('Usage', ['  with-auth COMMAND [OPTIONS]']),
    section('Commands', table(commands.map(({ name, summary }) => [name, summary]))),
    section(
      'Options',
      table([
        ['-h, --help', 'show this help, or the help of a command'],
        ['-v, --version', 'print the version'],
      ]),
    ),
    section('Examples', ['  $ with-auth demo', '  $ with-auth help keys create']),
    'Exit codes: 0 done, 1 failed, 2 wrong usage.',
  ])
}

export function describeGroup(group: string, commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }): Row => [name.slice(group.length + 1), summary])
  return compose([
    section('Usage', [`  with-auth ${group} COMMAND [OPTIONS]`]),
    section('Commands', table(rows)),
    `Run "with-auth ${group} COMMAND --help" for the options of a command.`,
  ])
}

export function describeCommand(command: Command): string {
  const { name, usage, summary, details, environment = {}, examples } = command
  const paragraphs = details?.split('\n\n').map((text) => wrap(text, COLUMNS).join('\n')) ?? []
  return compose([
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    section('Usage', [`  with-auth ${name} ${usage}`.trimEnd()]),
    ...paragraphs,
    section('Options', table(optionRows({ ...command.options, ...COMMON_OPTIONS }))),
    section('Environment', table(Object.entries(environment))),
    section(
      'Examples',
      examples.map((example) => `  $ ${example}`),
    ),
  ])
}

function compose(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [`${title}:`, ...lines].join('\n')
}

function optionRows(options: OptionSpecs): readonly Row[] {
  return Object.entries(options).map(([name, { value, help, default: usual }]) => {
    const flag = name === 'help' ? '-h, --help' : `--${name}`
    const text = usual === undefined ? help : `${help} [default: ${usual}]`
    return [value === undefined ? flag : `${flag} ${value}`, text]
  })
}

/** Two columns. A long text wraps within its column. */
function table(rows: readonly Row[]): readonly string[] {
  const column = Math.max(0, ...rows.map(([name]) => name.length)) + 4
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, COLUMNS - column)
    return lines.map((line, index) => (index === 0 ? `  ${name}` : '').padEnd(column) + line)
  })
}

/** Breaks a text into lines, but not inside `[default: ...]`. Splits a word only if it is longer than a line. */
export function wrap(text: string, width: number): readonly string[] {
  const words = text.split(/\s+(?![^[]*\])/)
  const pieces = words.flatMap((word) => word.match(new RegExp(`.{1,${width}}`, 'gs')) ?? [])
  const lines: string[] = []
  for (const piece of pieces) {
    const last = lines.at(-1)
    const joined = `${last} ${piece}`
    if (last === undefined || joined.length > width) lines.push(piece)
    else lines.splice(-1, 1, joined)
  }
  return lines
}
