import { createKey, listKeys, removeKey } from '../../keys.ts'
import { pickTexts, readWholeNumber, rejectOperands, requireText } from '../command-line.ts'
import { asUsage, nameFlag, wrongValue } from '../errors.ts'
import { KEYS_OPTION, withKeys } from '../key-place.ts'
import { shown } from '../shown-value.ts'
import { EXIT, flushOrUndo, flushResult } from '../surroundings.ts'
import type { CreatedKey, KeyRecord, KeyStore, NewKey, RetiredKey } from '../../keys.ts'
import type { Command, CommandLine, OptionSpecs } from '../command-line.ts'
import type { OpenedKeys } from '../key-place.ts'
import type { Surroundings } from '../surroundings.ts'

const PAGE_FLAGS = { 'page.after': '--after', 'page.principal': '--principal' }
const MAX_LIMIT = 1000
const DEFAULT_LIMIT = 100

export const EXPIRY: OptionSpecs = {
  'expires-in': { value: 'TIME', help: 'how long the new key works, such as 90d' },
  'expires-at': { value: 'TIME', help: 'when the new key expires, such as 2030-01-01T00:00:00Z' },
}

export const EXPIRY_NAMES = { expiresIn: 'expires-in', expiresAt: 'expires-at' } as const

export const LIST_ADVICE = '"with-auth keys list" shows the ids'

const NEW_KEY_FLAGS = {
  'key.principal': '--principal',
  'key.attributes': '--attribute',
  'key.paths': '--path',
  'key.expiresIn': '--expires-in',
  'key.expiresAt': '--expires-at',
}

const nothing = (): undefined => undefined
/** Takes keys, and keeps none. */
export const NOWHERE: KeyStore = {
  find: nothing,
  get: nothing,
  insert: nothing,
  insertAll: () => ({ imported: 0, present: 0 }),
  update: nothing,
  remove: nothing,
  prune: () => [],
  list: () => [],
  close: nothing,
}

const createCommand: Command = {
  name: 'keys create',
  usage: '--keys FILE --principal NAME [OPTIONS]',
  summary: 'create a key, and write its hash into a key file or a database',
  details:
    'The key is printed once, to standard output. The key file or the database holds only its hash; a missing one is created. Run "umask 077" before you redirect the key into a file, so that no other user can read it.',
  examples: [
    'with-auth keys create --keys keys.yaml --principal alice > key.txt',
    'with-auth keys create --keys keys.yaml --principal ci --expires-in 90d',
  ],
  options: {
    ...KEYS_OPTION,
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
  usage: '--keys FILE [OPTIONS]',
  summary: 'list the keys in a key file or a database, without secrets',
  details:
    'A key file is listed in its order. A database is listed in pages, in the order of the ids. So is a key file with --after or --limit.',
  examples: [
    'with-auth keys list --keys keys.yaml',
    'with-auth keys list --keys keys.yaml --principal alice',
  ],
  options: {
    ...KEYS_OPTION,
    after: { value: 'ID', help: 'start behind the key with this id' },
    limit: { value: 'COUNT', help: 'list at most so many keys: 1 to 1000 [100 in a database]' },
    principal: { value: 'NAME', help: 'list only the keys of this owner' },
  },
  run: list,
}

export const keysCommands: readonly Command[] = [createCommand, listCommand]

async function create(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  requireText(line, 'keys', 'FILE')
  const key = readNewKey(line)
  // A mistake in the options must not leave a new database behind.
  await asUsage(NEW_KEY_FLAGS, () => createKey(NOWHERE, key))
  return withKeys(line, surroundings, (keys) => createIn(keys, key, line, surroundings), {
    create: true,
  })
}

async function createIn(
  { place, name }: OpenedKeys,
  key: NewKey,
  line: CommandLine,
  surroundings: Surroundings,
): Promise<number> {
  const created = await createKey(place, key).catch(nameFlag('--keys', name))
  printKey(created, line.has('json'), surroundings)
  await flushOrUndo(surroundings, () => removeKey(place, created.id), {
    undone: `The new key was removed from ${name}`,
    kept: `The new key ${created.id} is still in ${name}: revoke it`,
  })
  return EXIT.ok
}

function printKey(created: CreatedKey, asJson: boolean, { print, note }: Surroundings): void {
  if (asJson) return print(`${JSON.stringify(created)}\n`)
  note(`with-auth: ${created.id} for ${shown(created.principal)}; the key is shown only once:\n`)
  print(`${created.key}\n`)
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

async function list(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const limit = readWholeNumber(line, 'limit', 1, MAX_LIMIT)
  const page = {
    ...pickTexts(line, { after: 'after', principal: 'principal' }),
    ...(limit === undefined ? {} : { limit }),
  }
  return withKeys(line, surroundings, async ({ place, name }) => {
    const keys = await asUsage(PAGE_FLAGS, () => listKeys(place, page)).catch(
      nameFlag('--keys', name),
    )
    surroundings.print(line.has('json') ? `${JSON.stringify(keys)}\n` : describeKeys(keys))
    const isFull = keys.length === (typeof place === 'string' ? limit : (limit ?? DEFAULT_LIMIT))
    if (isFull) surroundings.note(`with-auth: for more keys add --after ${keys.at(-1)?.id}\n`)
    return EXIT.ok
  })
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

/** Prints changed keys as JSON, or a message for people. `state` says what has changed if the JSON cannot be written. */
export async function reportChange(
  line: CommandLine,
  surroundings: Surroundings,
  changed: KeyRecord | readonly KeyRecord[],
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

/** The hash is of use to programs in the same process, and not to readers of the output. */
export function withoutHash(key: RetiredKey): KeyRecord {
  const { sha256: _, ...record } = key
  return record
}
