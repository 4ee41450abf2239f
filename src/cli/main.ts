import { readFile } from 'node:fs/promises'
import { editDistance, nearestName } from '../core/option-checks.ts'
import { readCommandLine, unknownOption } from './command-line.ts'
import { COMMON_OPTIONS } from './command.ts'
import { describeCommand, describeCommands, describeGroup } from './help.ts'
import { showName } from './shown-value.ts'
import { OutputError } from './standard-streams.ts'
import { EXIT } from './surroundings.ts'
import { UsageError } from './usage-error.ts'
import type { Command } from './command.ts'
import type { Surroundings } from './surroundings.ts'

const HELP = new Set(['help', '--help', '-h'])
const VERSION = new Set(['version', '--version', '-v', '-V'])
/** Without a command. */
const OWN_OPTIONS = ['help', 'version']

/** Runs one command line, without the name of the program, and returns the exit code. Never rejects. */
export async function main(
  args: readonly string[],
  commands: readonly Command[],
  surroundings: Surroundings,
): Promise<number> {
  try {
    const code = await runCommand(args, commands, surroundings)
    await surroundings.flush().catch(allowReaderToLeave)
    return code
  } catch (error) {
    return report(error, args, commands, surroundings)
  }
}

// `with-auth keys list | head -1` has done what it was asked to.
function allowReaderToLeave(error: unknown): void {
  if (!(error instanceof OutputError) || !error.isReaderGone) throw error
}

async function runCommand(
  args: readonly string[],
  commands: readonly Command[],
  surroundings: Surroundings,
): Promise<number> {
  const [first = 'help', ...rest] = args
  if (HELP.has(first)) return show(describe(rest.filter(isWord), commands), surroundings)
  if (VERSION.has(first)) return show(`${await readVersion()}\n`, surroundings)
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

/** The help of all commands, of one, or of those with a first word in common. */
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
  if (!isWord(first)) return misplacedOption(first.replace(/=.*/s, ''), commands)
  const group = groupOf(first, commands)
  const isInGroup = group.length > 0
  const names = namesOf(isInGroup ? group : commands)
  if (isInGroup && !isWord(second)) {
    return new UsageError(`The command after "${first}" is missing: ${names.join(', ')}`)
  }
  const nearest = nearestCommand(words, commands)
  const hint =
    nearest === undefined ? `the commands are ${names.join(', ')}` : `did you mean ${nearest}?`
  return new UsageError(`Unknown command ${showName(isInGroup ? second : first)}: ${hint}`)
}

/** The command, or the first word of several, that was probably meant. */
function nearestCommand(
  [first = '', second = '']: readonly string[],
  commands: readonly Command[],
): string | undefined {
  const parts = namesOf(commands).map((name) => name.split(' '))
  const head = nearestWord(
    first,
    parts.map(([word = '']) => word),
  )
  const pairs = parts.filter(([word, last]) => last !== undefined && word === (head ?? word))
  // Without a first word, such as `list` in place of `keys list`.
  const given = head === undefined ? first : second
  const last = nearestWord(
    given,
    pairs.map(([, word = '']) => word),
  )
  const pair = pairs.find(([, word]) => word === last)
  if (pair !== undefined) return pair.join(' ')
  return head === first ? undefined : head
}

// Of a short word every letter counts: `key` is three letters away from `demo`. A swap of two letters is two edits.
function nearestWord(word: string, known: readonly string[]): string | undefined {
  const nearest = nearestName(word, known)
  if (nearest === undefined) return undefined
  const most = Math.ceil(Math.min(word.length, 12) / 4)
  const distance = editDistance(word.toLowerCase(), nearest)
  const hasSameLetters = Array.from(nearest).every((letter) => word.toLowerCase().includes(letter))
  const isSwap = distance === 2 && hasSameLetters && word.length === nearest.length
  return distance <= most || isSwap ? nearest : undefined
}

// An option before its command, or one that was meant to be `--help`.
function misplacedOption(option: string, commands: readonly Command[]): UsageError {
  const ofCommands = commands.flatMap(({ options }) => Object.keys(options))
  const nearest = nearestName(option.replace(/^-+/, ''), [...OWN_OPTIONS, ...ofCommands])
  if (OWN_OPTIONS.some((own) => own === nearest)) return unknownOption(option, OWN_OPTIONS)
  const names = namesOf(commands).join(', ')
  return new UsageError(`The command before ${showName(option)} is missing: ${names}`)
}

function namesOf(commands: readonly Command[]): readonly string[] {
  return commands.map(({ name }) => name)
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
    note(`${JSON.stringify({ error: { code, message } })}\n`)
  } else {
    note(`with-auth: ${message}\n`)
    if (isUsage) note(`Run "${whereHelpIs(args, commands)}" for help.\n`)
  }
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
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
