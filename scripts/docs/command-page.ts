import { COMMANDS } from '../../src/cli/main.ts'
import { renderTable } from '../../tests/support/markdown.ts'
import type { Command, OptionSpec } from '../../src/cli/command-line.ts'

const HEAD = `# Command line

<!-- Written by \`npm run docs:generate\` from the help of each command. -->

\`npx with-auth COMMAND\` runs a command on Node, \`bunx --bun with-auth COMMAND\` on Bun, and
\`deno run --allow-net --allow-read --allow-env npm:with-auth COMMAND\` on Deno. On Deno the commands that write a file also need
\`--allow-write\`.

- Each command has \`--help\`, and \`--json\` to print JSON for programs.
- Exit codes: 0 done, 1 failed, 2 wrong usage.
- Secrets come from files or the environment, never from arguments: every user of the machine can list those.
- \`NO_COLOR=1\` or \`TERM=dumb\` turns colors off.`

/** The page that explains a command, or a group of commands. */
const PAGES: Readonly<Record<string, string>> = {
  gateway: 'gateway.md',
  'forward-auth': 'forward-auth.md',
  keys: 'keys.md',
  console: 'console.md',
  endpoint: 'keys.md',
  check: 'auth-endpoint.md',
  config: 'yaml.md',
  init: 'yaml.md',
}
const OF_ALL: ReadonlySet<string> = new Set(['NO_COLOR', 'TERM'])

/** `docs/cli.md`: what `--help` says of each command. */
export function createCommandPage(): string {
  return `${[HEAD, ...COMMANDS.map(sectionOf)].join('\n\n')}\n`
}

function sectionOf({ name, usage, summary, details, ...rest }: Command): string {
  const page = PAGES[name.split(' ')[0] ?? '']
  const see = page === undefined ? '' : ` See [${page.replace('.md', '')}](${page}).`
  return [
    `## with-auth ${name}`,
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.${see}`,
    `\`${`with-auth ${name} ${usage}`.trimEnd()}\``,
    ...(details?.split('\n\n') ?? []),
    ...tableOf(rest),
    `\`\`\`sh\n${rest.examples.map((example) => `npx ${example}`).join('\n')}\n\`\`\``,
  ].join('\n\n')
}

function tableOf({ options, environment = {} }: Pick<Command, 'options' | 'environment'>) {
  const variables = Object.entries(environment).filter(([name]) => !OF_ALL.has(name))
  const rows = [
    ...Object.entries(options).map(([name, spec]) => [nameOf(name, spec), meaningOf(spec)]),
    ...variables.map(([name, meaning]) => [`\`${name}\` in the environment`, meaning]),
  ]
  return rows.length === 0 ? [] : [renderTable([['option', 'meaning'], ...rows])]
}

// A bar would end the cell, in code too.
function nameOf(name: string, { value }: OptionSpec): string {
  const shown = value?.replaceAll('|', String.raw`\|`)
  return shown === undefined ? `\`--${name}\`` : `\`--${name} ${shown}\``
}

// Outside of code `*` begins an emphasis.
function meaningOf({ help, default: usual }: OptionSpec): string {
  const text = help.replaceAll('*', '\\*')
  return usual === undefined ? text : `${text} (default \`${usual}\`)`
}
