import { createKey, listKeys, removeKey, revokeKey } from '../../keys.ts'
import { readKey, refuseOperands, requireOperand, requireText } from '../command-line.ts'
import { addAdvice, asUsage, nameFlag, wrongValue } from '../errors.ts'
import { shown } from '../shown-value.ts'
import { EXIT, flushResult } from '../surroundings.ts'
import { retirementCommands } from './key-retirement.ts'
import type { CreatedKey, KeyRecord, NewKey } from '../../keys.ts'
import type { Command, CommandLine, OptionSpecs } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const ADVICE =
  '"with-auth keys list" shows the ids, and "with-auth keys revoke -" reads the key itself from standard input'
const FILE: OptionSpecs = { keys: { value: 'FILE', help: 'the file of keys' } }

const NEW_KEY_FLAGS = {
  'key.principal': '--principal',
  'key.attributes': '--attribute',
  'key.paths': '--path',
  'key.expiresIn': '--expires-in',
  'key.expiresAt': '--expires-at',
}

const createCommand: Command = {
  name: 'keys create',
  usage: '--keys FILE --principal NAME [OPTIONS]',
  summary: 'make a key, and write its hash into a file',
  details:
    'The key is printed to standard output, once: the file does not have it. Run "umask 077" before you write it into a file, so that no other user can read that file.',
  examples: [
    'with-auth keys create --keys keys.yaml --principal alice > key.txt',
    'with-auth keys create --keys keys.yaml --principal ci --expires-in 90d',
  ],
  options: {
    ...FILE,
    principal: { value: 'NAME', help: 'whose key it is' },
    attribute: {
      value: 'NAME=VALUE',
      help: 'what is said about its owner; may be repeated',
      isRepeatable: true,
    },
    path: { value: 'PATH', help: 'opens only this and below; may be repeated', isRepeatable: true },
    'expires-in': { value: 'TIME', help: 'how long it lasts, such as 90d' },
    'expires-at': { value: 'TIME', help: 'when it ends, such as 2030-01-01T00:00:00Z' },
  },
  run: create,
}

const listCommand: Command = {
  name: 'keys list',
  usage: '--keys FILE',
  summary: 'list the keys of a file, without what opens anything',
  examples: ['with-auth keys list --keys keys.yaml'],
  options: FILE,
  run: list,
}

const revokeCommand: Command = {
  name: 'keys revoke',
  usage: '(ID | -) --keys FILE',
  summary: 'revoke a key, by its id or by itself',
  details:
    'With - in place of the id, the key itself is read from standard input and is not shown.',
  examples: [
    'with-auth keys revoke key_zyk3qgvxqtla --keys keys.yaml',
    'with-auth keys revoke - --keys keys.yaml < key.txt',
  ],
  options: FILE,
  run: revoke,
}

export const keysCommands: readonly Command[] = [
  createCommand,
  listCommand,
  revokeCommand,
  ...retirementCommands,
]

async function create(line: CommandLine, surroundings: Surroundings): Promise<number> {
  refuseOperands(line)
  const file = requireText(line, 'keys', 'FILE')
  const key = readNewKey(line)
  const created = await asUsage(NEW_KEY_FLAGS, () =>
    createKey(file, key).catch(nameFlag('--keys', file)),
  )
  printKey(created, line.has('json'), surroundings)
  await surroundings.flush().catch((error: unknown) => undo(file, created.id, error))
  return EXIT.ok
}

function printKey(created: CreatedKey, asJson: boolean, { print, note }: Surroundings): void {
  if (asJson) return print(`${JSON.stringify(created)}\n`)
  note(`with-auth: ${created.id} for ${shown(created.principal)}; the key is not shown again:\n`)
  print(`${created.key}\n`)
}

// A key that was never shown must not stay valid.
async function undo(file: string, id: string, cause: unknown): Promise<never> {
  const reason = cause instanceof Error ? cause.message : 'Cannot write the key'
  const state = await removeKey(file, id).then(
    () => `The new key is not in ${file} any more`,
    () => `The new key ${id} is still in ${file}: revoke it`,
  )
  throw new Error(`${reason}. ${state}`, { cause })
}

function readNewKey(line: CommandLine): NewKey {
  const principal = requireText(line, 'principal', 'NAME')
  const attributes = readAttributes(line.texts('attribute'))
  const paths = line.texts('path')
  const [expiresIn, expiresAt] = [line.text('expires-in'), line.text('expires-at')]
  return {
    principal,
    ...(paths.length === 0 ? {} : { paths }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(expiresIn === undefined ? {} : { expiresIn }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

function readAttributes(texts: readonly string[]): NewKey['attributes'] {
  if (texts.length === 0) return undefined
  const lists = new Map<string, string[]>()
  for (const text of texts) {
    const [, name, value] = /^([^=]+)=(.+)$/s.exec(text) ?? []
    if (name === undefined || value === undefined) {
      throw wrongValue('--attribute', text, 'NAME=VALUE, such as roles=admin')
    }
    lists.set(name, [...(lists.get(name) ?? []), value])
  }
  return Object.fromEntries(lists)
}

async function list(line: CommandLine, { print }: Surroundings): Promise<number> {
  refuseOperands(line)
  const file = requireText(line, 'keys', 'FILE')
  const keys = await listKeys(file).catch(nameFlag('--keys', file))
  if (line.has('json')) {
    print(`${JSON.stringify(keys)}\n`)
    return EXIT.ok
  }
  print(describeKeys(keys))
  return EXIT.ok
}

function describeKeys(keys: readonly KeyRecord[]): string {
  if (keys.length === 0) return 'There are no keys.\n'
  const rows = keys.map(({ id, status, principal, prefix = '', expires = '', paths = [] }) => [
    id,
    status,
    shown(principal),
    prefix,
    expires,
    paths.map(shown).join(' '),
  ])
  const table = [['ID', 'STATUS', 'PRINCIPAL', 'BEGINS WITH', 'EXPIRES', 'PATHS'], ...rows]
  const widths = table[0]?.map((_, index) =>
    Math.max(...table.map((row) => row[index]?.length ?? 0)),
  )
  const lines = table.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths?.[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

async function revoke(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const { print, note } = surroundings
  const operand = requireOperand(line, 'ID')
  const file = requireText(line, 'keys', 'FILE')
  const reference =
    operand === '-' ? { key: readKey(await surroundings.readInput(), 'standard input') } : operand
  const revoked = await revokeKey(file, reference)
    .catch(nameFlag('--keys', file))
    .catch(operand === '-' ? undefined : addAdvice({ no_such_key: ADVICE }))
  if (line.has('json')) {
    print(`${JSON.stringify(revoked)}\n`)
    await flushResult(`${revoked.id} is revoked in ${file}`, surroundings)
    return EXIT.ok
  }
  note(`with-auth: ${revoked.id} of ${shown(revoked.principal)} is revoked\n`)
  return EXIT.ok
}
