import { COMMON_OPTIONS } from './command.ts'
import type { Command } from './command.ts'

const WIDTH = 30

/** What `with-auth --help` prints. */
export function describeCommands(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => row(name, summary))
  return `with-auth: let the auth service you already have decide who reaches your server

Usage: with-auth COMMAND [OPTIONS]

${rows.join('\n')}

with-auth COMMAND --help says more. Exit codes: 0 done, 1 failed, 2 wrong usage.
`
}

/** What `with-auth COMMAND --help` prints. */
export function describeCommand({ name, usage, summary, details, options }: Command): string {
  const rows = Object.entries({ ...options, ...COMMON_OPTIONS }).map(([option, { value, help }]) =>
    row(value === undefined ? `--${option}` : `--${option} ${value}`, help),
  )
  const more = details === undefined ? '' : `\n${details}\n`
  return `Usage: with-auth ${name}${usage === '' ? '' : ` ${usage}`}

${summary[0]?.toUpperCase()}${summary.slice(1)}.

${rows.join('\n')}
${more}`
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(WIDTH)} ${text}`
}
