import { createKey, removeKey } from '../../keys.ts'
import { parseNewKey } from '../../keys/edits/new-key.ts'
import { pickTexts, rejectOperands, requireText } from '../command-line.ts'
import { asUsage, wrongValue } from '../errors.ts'
import { KEY_FLAGS, KEYS_OPTION, withKeys } from '../key-place.ts'
import { shown } from '../shown-value.ts'
import { EXIT, flushOrUndo } from '../surroundings.ts'
import type { CreatedKey, NewKey } from '../../keys.ts'
import type { Command, CommandLine, OptionSpecs } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

export const EXPIRY: OptionSpecs = {
  'expires-in': { value: 'TIME', help: 'how long the new key works, such as 90d' },
  'expires-at': { value: 'TIME', help: 'when the new key expires, such as 2030-01-01T00:00:00Z' },
}

export const EXPIRY_NAMES = { expiresIn: 'expires-in', expiresAt: 'expires-at' } as const

export const LIST_ADVICE = '"with-auth keys list" shows the ids'

export const createCommand: Command = {
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
    name: { value: 'TEXT', help: 'a label for people, such as "CI of the shop"' },
    tenant: { value: 'NAME', help: 'the tenant of the owner, such as acme' },
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

async function create(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  requireText(line, 'keys', 'FILE')
  const key = readNewKey(line)
  // A mistake in the options must not leave a new database behind.
  await asUsage(KEY_FLAGS, () => parseNewKey(key, Date.now()))
  return withKeys(
    line,
    surroundings,
    async ({ place, name, use }) => {
      const created = await use(() => createKey(place, key))
      printKey(created, line.has('json'), surroundings)
      warnOfRole(created, surroundings)
      await flushOrUndo(surroundings, () => removeKey(place, created.id), {
        undone: `The new key was removed from ${name}`,
        kept: `The new key ${created.id} is still in ${name}: revoke it`,
      })
      return EXIT.ok
    },
    { create: true },
  )
}

function printKey(created: CreatedKey, asJson: boolean, { print, note }: Surroundings): void {
  if (asJson) return print(`${JSON.stringify(created)}\n`)
  note(`with-auth: ${created.id} for ${shown(created.principal)}; the key is shown only once:\n`)
  print(`${created.key}\n`)
}

function warnOfRole(created: CreatedKey, { note }: Surroundings): void {
  const typo = findRoleTypo(created)
  if (typo !== undefined) note(`with-auth: ${typo} with --attribute roles=...\n`)
}

/** Asks whether `roles` was meant. A wrong name only shows as a 403. */
export function findRoleTypo({ attributes }: CreatedKey): string | undefined {
  const wrong = Object.keys(attributes).find((name) => /^roles?$/i.test(name))
  if (wrong === undefined || Object.hasOwn(attributes, 'roles')) return undefined
  return `the key has the attribute "${wrong}". Is "roles" meant, which access({ roles }) reads? Then revoke the key, and create one`
}

function readNewKey(line: CommandLine): NewKey {
  const principal = requireText(line, 'principal', 'NAME')
  const attributes = readAttributes(line.texts('attribute'))
  const paths = line.texts('path')
  return {
    principal,
    attributes,
    ...(paths.length === 0 ? {} : { paths }),
    ...pickTexts(line, { name: 'name', tenant: 'tenant', ...EXPIRY_NAMES }),
  }
}

export function readAttributes(
  texts: readonly string[],
  flag: string = '--attribute',
): NonNullable<NewKey['attributes']> {
  const lists = new Map<string, string[]>()
  for (const text of texts) {
    const [, name, value] = /^([^=]+)=(.+)/s.exec(text) ?? []
    if (name === undefined || value === undefined) {
      throw wrongValue(flag, text, 'NAME=VALUE, such as roles=admin')
    }
    lists.set(name, [...(lists.get(name) ?? []), value])
  }
  return Object.fromEntries(lists)
}
