import { collectAnswers, collectMessages, readComments } from './messages.ts'
import { readAnchors, renderTable } from './markdown.ts'
import { readText, sorted } from './project.ts'
import type { Message } from './messages.ts'

const HEAD = `# Messages

<!-- Written by \`npm run docs:generate\` from the sentences in the code. -->

Every sentence of with-auth, by the place where you meet it. What is filled in stands in \`<angle brackets>\`. [Errors](errors.md)
explains the codes, and [Troubleshooting](troubleshooting.md) begins with a symptom.`

interface Place {
  readonly title: string
  readonly intro: string
  readonly owns: (message: Message) => boolean
}

/** The first place that owns a message has it. The page shows them from the last one. */
const PLACES: readonly Place[] = [
  {
    title: 'Answers of the key endpoint',
    intro: 'The server that asks it reads these, and its clients never do.',
    owns: ({ file, by }) => by === '' && /^keys\/(?:endpoint|question)\.ts$/.test(file),
  },
  {
    title: 'What `with-auth check` advises',
    intro: 'The command writes what the endpoint did, and below it what to change.',
    owns: ({ file }) => file.startsWith('cli/conformance/'),
  },
  {
    title: 'Commands',
    intro: 'On standard error, behind `with-auth: `. A `UsageError` is wrong usage: exit code 2.',
    owns: ({ file }) => file.startsWith('cli/'),
  },
  {
    title: 'Configuration files',
    intro: 'A `ConfigFileError` has `file:line:column` before each of them.',
    owns: ({ file }) => file.startsWith('yaml') || file.startsWith('files/yaml-text'),
  },
  {
    title: 'Keys',
    intro:
      'A `KeyFileError` of [this code](errors.md#keyfileerror), or a mistake in a line of the file.',
    owns: ({ file }) => /^(?:keys|files)[./]/.test(file),
  },
  {
    title: 'Options of a config',
    intro:
      'An `AuthConfigError`, when the wrapper is made. [Configuration](configuration.md) lists what each option must be.',
    owns: ({ file, by }) => by === 'AuthConfigError' || file === 'core/config/problems.ts',
  },
  {
    title: 'Errors of calls',
    intro: 'Your code called a function of the package in a way that cannot work.',
    owns: ({ by }) => by !== '' && by !== 'AuthUnavailableError',
  },
  {
    title: 'Console and `warning` events',
    intro:
      '`onEvent` gets them, or the console without it, behind `with-auth: ` and at most once a minute.',
    owns: () => true,
  },
]

/** `docs/messages.md`. */
export function createMessagePage(): string {
  const messages = collectMessages()
  const sectionOf = (place: Place): string => {
    const own = messages.filter((message) => PLACES.find(({ owns }) => owns(message)) === place)
    return `## ${place.title}\n\n${place.intro}\n\n${tableOf(own)}`
  }
  const sections = PLACES.reduceRight<string[]>(
    (shown, place) => shown.concat(sectionOf(place)),
    [],
  )
  return `${[HEAD, sectionOfAnswers(), sectionOfDetails(), ...sections].join('\n\n')}\n`
}

function sectionOfAnswers(): string {
  const anchors = new Set(readAnchors(readText('docs/errors.md')))
  const rows = collectAnswers().map(({ code, status, message }) => [
    message,
    anchors.has(code) ? `[\`${code}\`](errors.md#${code})` : `\`${code}\``,
    status,
  ])
  const lines = new Map(rows.map((row) => [row.join(), row]))
  const table = renderTable([['message', 'code', 'status'], ...sortedRows([...lines.values()])])
  return `## What clients read\n\nAs \`error.message\`, with the code beside it. The link says what it means, and what to do.\n\n${table}`
}

function sectionOfDetails(): string {
  const rows = readComments('core/errors.ts', 'DENY_DETAILS')
  const table = renderTable([
    ['`detail`', 'what it means'],
    ...rows.map(([name, meaning]) => [`\`${name}\``, meaning]),
  ])
  return `## Why a verifier denied\n\nAs \`detail\` of the decision event, in the log and in traces. The client reads only \`denied\` or \`forbidden\`.\n\n${table}`
}

function tableOf(messages: readonly Message[]): string {
  // An explanation is read on the console, whatever carries it.
  const hasClass = messages.some(({ by }) => by !== '' && by !== 'AuthUnavailableError')
  const rows = messages.map(({ text, by }) => [
    inCode(text),
    ...(hasClass ? [by && `\`${by}\``] : []),
  ])
  return renderTable([['message', ...(hasClass ? ['error'] : [])], ...sortedRows(rows)])
}

function sortedRows(rows: readonly string[][]): string[][] {
  const byText = new Map(rows.map((row) => [row.join('\0'), row]))
  return sorted(byText.keys()).map((key) => byText.get(key) ?? [])
}

// A bar would end the cell, in code too.
function inCode(text: string): string {
  const shown = text.replaceAll('|', String.raw`\|`)
  return shown.includes('`') ? `\`\` ${shown} \`\`` : `\`${shown}\``
}
