import { createKey, listKeys, removeKey, revokeKey } from '../../keys.ts'
import { pickTexts, readKey, rejectOperands, requireOperand, requireText } from '../command-line.ts'
import { asUsage, nameFlag, wrongValue } from '../errors.ts'
import { shown } from '../shown-value.ts'
import { EXIT, flushResult } from '../surroundings.ts'
import type { CreatedKey, KeyRecord, NewKey } from '../../keys.ts'
import type { Command, CommandLine, OptionSpecs } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

export const FILE: OptionSpecs = { keys: { value: 'FILE', help: 'the key file' } }

export const EXPIRY: OptionSpecs = {
  'expires-in': { value: 'TIME', help: 'how long the new key works, such as 90d' },
  'expires-at': { value: 'TIME', help: 'when the new key expires, such as 2030-01-01T00:00:00Z' },
}

export const EXPIRY_NAMES = { expiresIn: 'expires-in', expiresAt: 'expires-at' } as const

export const LIST_ADVICE = '"with-auth keys list" shows the ids'
const REVOKE_ADVICE = `${LIST_ADVICE}, and "with-auth keys revoke -" reads the key from standard input`

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
  summary: 'create a key, and write its hash into a key file',
  details:
    'The key is printed once, to standard output. The key file holds only its hash. Run "umask 077" before you redirect the key into a file, so that no other user can read it.',
  examples: [
    'with-auth keys create --keys keys.yaml --principal alice > key.txt',
    'with-auth keys create --keys keys.yaml --principal ci --expires-in 90d',
  ],
  options: {
    ...FILE,
    principal: { value: 'NAME', help: 'the owner of the key' },
    attribute: {
      value: 'NAME=VALUE',
      help: 'an attribute of the owner, such as roles=admin; may be repeated',
      isRepeatable: true,
    },
    path: {
      value: 'PATH',
      help: 'limit the key to this path and the paths below it; may be repeated',
      isRepeatable: true,
    },
    ...EXPIRY,
  },
  run: create,
}

const listCommand: Command = {
  name: 'keys list',
  usage: '--keys FILE',
  summary: 'list the keys in a key file, without secrets',
  examples: ['with-auth keys list --keys keys.yaml'],
  options: FILE,
  run: list,
}

const revokeCommand: Command = {
  name: 'keys revoke',
  usage: '(ID | -) --keys FILE',
  summary: 'revoke a key, by its id or by the key itself',
  details: 'With - instead of the id, the command reads the key itself from standard input.',
  examples: [
    'with-auth keys revoke key_zyk3qgvxqtla --keys keys.yaml',
    'with-auth keys revoke - --keys keys.yaml < key.txt',
  ],
  options: FILE,
  run: revoke,
}

export const keysCommands: readonly Command[] = [createCommand, listCommand, revokeCommand]

async function create(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const file = requireText(line, 'keys', 'FILE')
  const key = readNewKey(line)
  const created = await asUsage(NEW_KEY_FLAGS, () =>
    createKey(file, key).catch(nameFlag('--keys', file)),
  )
  printKey(created, line.has('json'), surroundings)
  await flushOrUndo(surroundings, () => removeKey(file, created.id), {
    undone: `The new key was removed from ${file}`,
    kept: `The new key ${created.id} is still in ${file}: revoke it`,
  })
  return EXIT.ok
}

function printKey(created: CreatedKey, asJson: boolean, { print, note }: Surroundings): void {
  if (asJson) return print(`${JSON.stringify(created)}\n`)
  note(`with-auth: ${created.id} for ${shown(created.principal)}; the key is shown only once:\n`)
  print(`${created.key}\n`)
}

/** Waits until a new key is written. Otherwise undoes the change: a key that was not printed must not stay valid. */
export async function flushOrUndo(
  { flush }: Pick<Surroundings, 'flush'>,
  undo: () => Promise<unknown>,
  states: { readonly undone: string; readonly kept: string },
): Promise<void> {
  try {
    await flush()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'Cannot write the key'
    const state = await undo().then(
      () => states.undone,
      () => states.kept,
    )
    throw new Error(`${reason}. ${state}`, { cause })
  }
}

function readNewKey(line: CommandLine): NewKey {
  const principal = requireText(line, 'principal', 'NAME')
  const attributes = readAttributes(line.texts('attribute'))
  const paths = line.texts('path')
  return {
    principal,
    ...(paths.length === 0 ? {} : { paths }),
    ...(attributes === undefined ? {} : { attributes }),
    ...pickTexts(line, EXPIRY_NAMES),
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
  rejectOperands(line)
  const file = requireText(line, 'keys', 'FILE')
  const keys = await listKeys(file).catch(nameFlag('--keys', file))
  print(line.has('json') ? `${JSON.stringify(keys)}\n` : describeKeys(keys))
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
  const widthOf = (column: number): number =>
    Math.max(...table.map((row) => row[column]?.length ?? 0))
  const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widthOf(column))))
  return lines.map((cells) => `${cells.join('  ').trimEnd()}\n`).join('')
}

async function revoke(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const operand = requireOperand(line, 'ID')
  const file = requireText(line, 'keys', 'FILE')
  const reference =
    operand === '-' ? { key: readKey(await surroundings.readInput(), 'standard input') } : operand
  const revoked = await revokeKey(file, reference).catch(
    nameFlag('--keys', file, operand === '-' ? {} : { no_such_key: REVOKE_ADVICE }),
  )
  const { id, principal } = revoked
  return reportChange(line, surroundings, revoked, {
    state: `${id} is revoked in ${file}`,
    message: `${id} of ${shown(principal)} is revoked`,
  })
}

/** Prints a changed key as JSON, or a message for people. `state` says what has changed if the JSON cannot be written. */
export async function reportChange(
  line: CommandLine,
  surroundings: Surroundings,
  changed: KeyRecord,
  { state, message }: { readonly state: string; readonly message: string },
): Promise<number> {
  if (line.has('json')) {
    surroundings.print(`${JSON.stringify(changed)}\n`)
    await flushResult(state, surroundings)
  } else {
    surroundings.note(`with-auth: ${message}\n`)
  }
  return EXIT.ok
}
