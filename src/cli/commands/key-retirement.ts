import { pruneKeys, removeKey, revokeKey, revokeKeys, rotateKey } from '../../keys.ts'
import { ANNOUNCE_OPTION } from '../announcement.ts'
import { pickTexts, readKey, rejectOperands, requireOperand, requireText } from '../command-line.ts'
import { UsageError } from '../errors.ts'
import { KEYS_OPTION, withKeys } from '../key-place.ts'
import { shown } from '../shown-value.ts'
import { EXIT, flushOrUndo, flushResult } from '../surroundings.ts'
import { EXPIRY, EXPIRY_NAMES, LIST_ADVICE } from './keys.ts'
import type { KeyRecord, RetiredKey, RotatedKey } from '../../keys.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { UsedKeys } from '../key-place.ts'
import type { Surroundings } from '../surroundings.ts'

const REVOKE_ADVICE = `${LIST_ADVICE}, and "with-auth keys revoke -" reads the key from standard input`
const ADVICES = {
  no_such_key: LIST_ADVICE,
  not_active: 'with-auth keys create --keys FILE --principal NAME',
}

const revokeCommand: Command = {
  name: 'keys revoke',
  usage: '(ID | - | --principal NAME) --keys FILE',
  summary: 'revoke a key, by its id or by the key itself, or all keys of a principal',
  details:
    'With - instead of the id, the command reads the key itself from standard input. With --config it ends when the store has acknowledged the revocation.',
  examples: [
    'with-auth keys revoke key_zyk3qgvxqtla --keys keys.yaml',
    'with-auth keys revoke - --keys keys.yaml < key.txt',
    'with-auth keys revoke --principal alice --keys keys.yaml',
  ],
  options: {
    ...KEYS_OPTION,
    ...ANNOUNCE_OPTION,
    principal: { value: 'NAME', help: 'revoke all keys of this owner' },
  },
  run: revoke,
}

const rotateCommand: Command = {
  name: 'keys rotate',
  usage: 'ID --keys FILE [OPTIONS]',
  summary: 'replace a key; the old key works for a while longer',
  details: `The new key has the principal, attributes, paths and lifetime of the old key. It is printed once, to standard output. The entry of the old key stores the id of the new key as "successor". To rotate the old key again, give --expires-in or --expires-at.

--overlap 0 ends the old key like "keys revoke": within 5 s at the gateway, elsewhere within --max-age of "with-auth endpoint". If a key has leaked, revoke it.

With --config the old key is announced at once, also if it works for a while longer: each instance then asks again, and learns the new end.`,
  examples: [
    'with-auth keys rotate key_zyk3qgvxqtla --keys keys.yaml > key.txt',
    'with-auth keys rotate key_zyk3qgvxqtla --keys keys.yaml --overlap 0',
  ],
  options: {
    ...KEYS_OPTION,
    ...ANNOUNCE_OPTION,
    overlap: { value: 'TIME', help: 'how long the old key still works', default: '24h' },
    ...EXPIRY,
  },
  run: rotate,
}

const removeCommand: Command = {
  name: 'keys remove',
  usage: 'ID --keys FILE',
  summary: 'remove a key from its file or database, even one that still works',
  details: `To keep a record of the owner, use "keys revoke" instead.`,
  examples: ['with-auth keys remove key_zyk3qgvxqtla --keys keys.yaml'],
  options: { ...KEYS_OPTION, ...ANNOUNCE_OPTION },
  run: remove,
}

const pruneCommand: Command = {
  name: 'keys prune',
  usage: '--keys FILE --older TIME [OPTIONS]',
  summary: 'remove keys that were revoked or expired some time ago',
  details: `The command prints the ids of the removed keys, one per line. --older 0 removes every revoked or expired key. A key with "revoked: true" has no time and is always removed. A "revoked" time in the future counts as now.`,
  examples: ['with-auth keys prune --keys keys.yaml --older 90d'],
  options: {
    ...KEYS_OPTION,
    older: { value: 'TIME', help: 'the minimum time since then, such as 90d' },
    'dry-run': { help: 'print the ids, but remove nothing' },
  },
  run: prune,
}

export const retirementCommands: readonly Command[] = [
  revokeCommand,
  rotateCommand,
  removeCommand,
  pruneCommand,
]

async function revoke(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const principal = line.text('principal')
  if (principal !== undefined) return revokeAll(principal, line, surroundings)
  const operand = requireOperand(line, 'ID')
  requireText(line, 'keys', 'FILE')
  const isKey = operand === '-'
  const wanted = isKey
    ? { key: readKey(await surroundings.readInput(), 'standard input') }
    : operand
  return withKeys(line, surroundings, async (keys) => {
    const advices = isKey ? {} : { no_such_key: REVOKE_ADVICE }
    const revoked = await keys.use((place) => revokeKey(place, wanted), advices)
    const { id, principal: owner } = revoked
    const message = `${id} of ${shown(owner)} is revoked`
    return reportEnded(revoked, keys, `${id} is revoked`, message)
  })
}

async function revokeAll(
  principal: string,
  line: CommandLine,
  surroundings: Surroundings,
): Promise<number> {
  if (line.operands.length > 0) throw new UsageError('Give either an ID or --principal')
  return withKeys(line, surroundings, async (keys) => {
    const revoked = await keys.use((place) => revokeKeys(place, { principal }), ADVICES)
    const count = revoked.length === 1 ? 'the only key' : `all ${revoked.length} keys`
    const message = `${count} of ${shown(principal)} ${revoked.length === 1 ? 'is' : 'are'} revoked`
    return reportEnded(revoked, keys, 'The keys are revoked', message)
  })
}

async function remove(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const wanted = requireOperand(line, 'ID')
  return withKeys(line, surroundings, async (keys) => {
    const removed = await keys.use((place) => removeKey(place, wanted), ADVICES)
    const { id, status, principal } = removed
    const past = status === 'active' ? 'it worked until now' : `it was ${status} before`
    const message = `${id} of ${shown(principal)} is removed; ${past}`
    return reportEnded(removed, keys, `${id} is no longer`, message)
  })
}

/** Announces keys that have ended, and reports them. */
async function reportEnded(
  ended: RetiredKey | readonly RetiredKey[],
  { name, announce, report }: UsedKeys,
  what: string,
  message: string,
): Promise<number> {
  const state = `${what} in ${name}`
  await announce([ended].flat(), state)
  return report('id' in ended ? withoutHash(ended) : ended.map(withoutHash), state, message)
}

/** The hash is of use to programs in the same process, and not to readers of the output. */
function withoutHash(key: RetiredKey): KeyRecord {
  const { sha256: _, ...record } = key
  return record
}

async function rotate(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const id = requireOperand(line, 'ID')
  const options = pickTexts(line, { overlap: 'overlap', ...EXPIRY_NAMES })
  return withKeys(line, surroundings, async ({ name, use, announce }) => {
    const rotated = await use((place) => rotateKey(place, id, options), ADVICES)
    printRotated(rotated, line, surroundings)
    await flushOrUndo(surroundings, rotated.undo, {
      undone: `The new key was removed from ${name}, and ${rotated.replaces.id} works as long as before`,
      kept: `The new key ${rotated.id} is still in ${name}: revoke it, and correct "expires" of ${rotated.replaces.id} there`,
    })
    await announce([rotated.replaces], `${rotated.replaces.id} is replaced in ${name}`)
    return EXIT.ok
  })
}

function printRotated(rotated: RotatedKey, line: CommandLine, { print, note }: Surroundings): void {
  const { id, principal, expires, replaces, key } = rotated
  if (line.has('json')) {
    return print(`${JSON.stringify({ ...rotated, replaces: withoutHash(replaces) })}\n`)
  }
  const until = expires === undefined ? '' : ` until ${expires}`
  const cached = line.has('config')
    ? ''
    : '; a cached decision may allow it for 5 s more at a gateway with a database, and for --max-age behind an endpoint'
  const old =
    replaces.status === 'active' ? `works until ${replaces.expires}` : `has ended${cached}`
  note(`with-auth: ${id} for ${shown(principal)}${until}; the key is shown only once\n`)
  note(`with-auth: the old key ${replaces.id} ${old}\n`)
  print(`${key}\n`)
}

async function prune(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  requireText(line, 'keys', 'FILE')
  const older = requireText(line, 'older', 'TIME')
  const dryRun = line.has('dry-run')
  return withKeys(line, surroundings, async ({ name, use }) => {
    const pruned = await use((place) => pruneKeys(place, { older, dryRun }))
    printPruned(pruned, line, surroundings)
    if (pruned.length > 0 && !dryRun) {
      await flushResult(`The removed keys are no longer in ${name}`, surroundings)
    }
    return EXIT.ok
  })
}

function printPruned(
  pruned: readonly KeyRecord[],
  line: CommandLine,
  { print, note }: Surroundings,
): void {
  if (line.has('json')) return print(`${JSON.stringify(pruned)}\n`)
  print(pruned.map(({ id }) => `${id}\n`).join(''))
  const count = pruned.length === 1 ? '1 key' : `${pruned.length} keys`
  note(`with-auth: ${count} ${line.has('dry-run') ? 'would be removed' : 'removed'}\n`)
}
