import { readFile } from 'node:fs/promises'
import { editDistance, nearestName } from '../core/config/option-checks.ts'
import { COMMON_OPTIONS, readCommandLine, unknownOption } from './command-line.ts'
import { checkCommand } from './commands/check.ts'
import { configCommand } from './commands/config.ts'
import { consoleCommand } from './commands/console.ts'
import { demoCommand } from './commands/demo.ts'
import { endpointCommand } from './commands/endpoint.ts'
import { explainCommand } from './commands/explain.ts'
import { forwardAuthCommand } from './commands/forward-auth.ts'
import { gatewayCommand } from './commands/gateway.ts'
import { initCommand } from './commands/init.ts'
import { revokeCommand } from './commands/revoke.ts'
import { lookupCommands } from './commands/key-lookup.ts'
import { retirementCommands } from './commands/key-retirement.ts'
import { transferCommands } from './commands/key-transfer.ts'
import { createCommand } from './commands/keys.ts'
import { UndecidedError, UsageError } from './errors.ts'
import { describeCommand, describeCommands, describeGroup } from './help.ts'
import { escapeHidden, showName } from './shown-value.ts'
import { EXIT, OutputError, PACKAGE } from './surroundings.ts'
import type { Command } from './command-line.ts'
import type { Surroundings } from './surroundings.ts'

export const COMMANDS: readonly Command[] = [
  gatewayCommand,
  forwardAuthCommand,
  createCommand,
  ...lookupCommands,
  ...retirementCommands,
  ...transferCommands,
  consoleCommand,
  endpointCommand,
  checkCommand,
  explainCommand,
  configCommand,
  initCommand,
  revokeCommand,
  demoCommand,
]

const HELP = new Set(['help', '--help', '-h'])
const VERSION = new Set(['version', '--version', '-v', '-V'])
/** The options that need no command. */
const OWN_OPTIONS = ['help', 'version']

/** Runs one command line, without the program name, and returns the exit code. Never rejects. */
export async function main(
  args: readonly string[],
  commands: readonly Command[],
  surroundings: Surroundings,
): Promise<number> {
  try {
    const code = await runCommand(args, commands, surroundings)
    await surroundings.flush()
    return code
  } catch (error) {
    // In `with-auth keys list | head -1`, the reader leaves early. That is not a failure.
    if (error instanceof OutputError && error.isReaderGone) return EXIT.ok
    return report(error, args, commands, surroundings)
  }
}

async function runCommand(
  args: readonly string[],
  commands: readonly Command[],
  surroundings: Surroundings,
): Promise<number> {
  const [first = 'help', ...rest] = args
  if (HELP.has(first)) {
    const topic = rest.filter(isNoHelp)
    if (!topic.every(isWord)) throw new UsageError(`${first} takes no options`)
    return show(describe(topic, commands), surroundings)
  }
  if (VERSION.has(first)) {
    if (rest.length > 0) throw new UsageError(`${first} takes no arguments`)
    return show(`${await readVersion()}\n`, surroundings)
  }
  const command = findCommand(args, commands)
  // `with-auth keys --help`, or an unknown command.
  if (command === undefined) return show(describe(args.filter(isNoHelp), commands), surroundings)
  const line = readCommandLine(args.slice(command.name.split(' ').length), {
    ...command.options,
    ...COMMON_OPTIONS,
  })
  if (line.has('help')) return show(describeCommand(command), surroundings)
  return command.run(line, surroundings)
}

function show(text: string, { print }: Surroundings): number {
  print(text)
  return EXIT.ok
}

function isWord(arg: string): boolean {
  return !arg.startsWith('-')
}

function isNoHelp(arg: string): boolean {
  return !HELP.has(arg)
}

function describe(words: readonly string[], commands: readonly Command[]): string {
  const [first, ...rest] = words
  if (first === undefined) return describeCommands(commands)
  const command = findCommand(words, commands)
  if (command !== undefined) return describeCommand(command)
  const group = groupOf(first, commands)
  if (group.length > 0 && rest.length === 0) return describeGroup(first, group)
  throw unknownCommand(words, commands)
}

function findCommand(words: readonly string[], commands: readonly Command[]): Command | undefined {
  return commands.find(({ name }) => name.split(' ').every((word, index) => word === words[index]))
}

function groupOf(word: string, commands: readonly Command[]): readonly Command[] {
  return commands.filter(({ name }) => name.startsWith(`${word} `))
}

function unknownCommand(words: readonly string[], commands: readonly Command[]): UsageError {
  const [first = '', second = ''] = words
  if (!isWord(first)) return misplacedOption(first.replace(/=.*/s, ''), words.slice(1), commands)
  const group = groupOf(first, commands)
  const isInGroup = group.length > 0
  const names = (isInGroup ? group : commands).map(({ name }) => name)
  if (first === '') {
    return new UsageError(`The command is empty: the commands are ${names.join(', ')}`)
  }
  if (isInGroup && (second === '' || !isWord(second))) {
    return new UsageError(`The command after "${first}" is missing: ${names.join(', ')}`)
  }
  const nearest = nearestCommand(words, names, isInGroup)
  const hint =
    nearest === undefined ? `the commands are ${names.join(', ')}` : `did you mean ${nearest}?`
  return new UsageError(`Unknown command ${showName(isInGroup ? second : first)}: ${hint}`)
}

/** Compares with the whole names. Outside a group, `keyz` may also mean `keys`, and `list` may mean `keys list`. */
function nearestCommand(
  words: readonly string[],
  names: readonly string[],
  isInGroup: boolean,
): string | undefined {
  const candidates = names.flatMap((name) => {
    const parts = name.split(' ')
    const [group = '', last] = parts
    if (isInGroup || last === undefined) return [{ parts, meant: name }]
    return [
      { parts, meant: name },
      { parts: [group], meant: group },
      { parts: [last], meant: name },
    ]
  })
  const distances = candidates.map(({ parts }) => distanceOf(words, parts))
  const least = Math.min(...distances)
  return least === Infinity ? undefined : candidates[distances.indexOf(least)]?.meant
}

/** Infinite if a word needs more than one edit for every three letters. */
function distanceOf(words: readonly string[], parts: readonly string[]): number {
  const distances = parts.map((part, index) => {
    const edits = editDistance((words[index] ?? '').toLowerCase(), part)
    return edits <= Math.ceil(part.length / 3) ? edits : Infinity
  })
  return distances.reduce((sum, edits) => sum + edits, 0)
}

// Either an option before its command, or a misspelt `--help`.
function misplacedOption(
  option: string,
  rest: readonly string[],
  commands: readonly Command[],
): UsageError {
  const ofCommands = commands.flatMap(({ options }) => Object.keys(options))
  const nearest = nearestName(option.replace(/^-+/, ''), [...OWN_OPTIONS, ...ofCommands])
  if (OWN_OPTIONS.some((own) => own === nearest)) return unknownOption(option, OWN_OPTIONS)
  const command = findCommand(rest, commands)
  if (command !== undefined) {
    return new UsageError(`Put ${showName(option)} after the command: with-auth ${command.name}`)
  }
  const names = commands.map(({ name }) => name).join(', ')
  return new UsageError(`The command before ${showName(option)} is missing: ${names}`)
}

function report(
  error: unknown,
  args: readonly string[],
  commands: readonly Command[],
  { note }: Surroundings,
): number {
  const isUsage = error instanceof UsageError
  const message = error instanceof Error ? error.message : 'Something failed'
  if (args.includes('--json')) {
    const code = isUsage ? 'usage' : 'failed'
    note(escapeHidden(`${JSON.stringify({ error: { code, message } })}\n`))
  } else {
    note(escapeHidden(`with-auth: ${message}\n`))
    if (isUsage) note(`Run "${whereHelpIs(args, commands)}" for help.\n`)
  }
  if (error instanceof UndecidedError) return EXIT.undecided
  return isUsage ? EXIT.usage : EXIT.failed
}

function whereHelpIs(args: readonly string[], commands: readonly Command[]): string {
  const words = args.filter(isNoHelp)
  const [first = ''] = words
  const group = groupOf(first, commands).length > 0 ? first : ''
  const topic = findCommand(words, commands)?.name ?? group
  return ['with-auth', topic, '--help'].filter((word) => word !== '').join(' ')
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('package.json', PACKAGE), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
