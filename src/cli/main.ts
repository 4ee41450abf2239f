import { readFile } from 'node:fs/promises'
import { readCommandLine } from './command-line.ts'
import { COMMON_OPTIONS } from './command.ts'
import { describeCommand, describeCommands } from './help.ts'
import { OutputError } from './standard-streams.ts'
import { EXIT } from './surroundings.ts'
import { UsageError } from './usage-error.ts'
import type { Command } from './command.ts'
import type { Surroundings } from './surroundings.ts'

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
    return report(error, args, surroundings)
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
  const [first] = args
  if (first === undefined) throw new UsageError(`A command is missing\n\n${list(commands)}`)
  if (['--help', '-h', 'help'].includes(first)) {
    surroundings.print(describeCommands(commands))
    return EXIT.ok
  }
  if (first === '--version') {
    surroundings.print(`${await readVersion()}\n`)
    return EXIT.ok
  }
  const command = findCommand(args, commands)
  const line = readCommandLine(args.slice(command.name.split(' ').length), {
    ...command.options,
    ...COMMON_OPTIONS,
  })
  if (!line.has('help')) return command.run(line, surroundings)
  surroundings.print(describeCommand(command))
  return EXIT.ok
}

function findCommand(args: readonly string[], commands: readonly Command[]): Command {
  const found = commands.find(({ name }) =>
    name.split(' ').every((word, index) => word === args[index]),
  )
  if (found !== undefined) return found
  throw new UsageError(`There is no such command\n\n${list(commands)}`)
}

function list(commands: readonly Command[]): string {
  return `Commands: ${commands.map(({ name }) => name).join(', ')}`
}

function report(error: unknown, args: readonly string[], { note }: Surroundings): number {
  const isUsage = error instanceof UsageError
  const message = error instanceof Error ? error.message : 'Something failed'
  if (args.includes('--json')) {
    const code = isUsage ? 'usage' : 'failed'
    note(`${JSON.stringify({ error: { code, message } })}\n`)
  }
  if (!args.includes('--json')) note(`with-auth: ${message}\n`)
  return isUsage ? EXIT.usage : EXIT.failed
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
