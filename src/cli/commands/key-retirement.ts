import { pruneKeys, removeKey, rotateKey } from '../../keys.ts'
import { pickTexts, rejectOperands, requireOperand, requireText } from '../command-line.ts'
import { asUsage, nameFlag } from '../errors.ts'
import { shown } from '../shown-value.ts'
import { EXIT, flushResult } from '../surroundings.ts'
import { EXPIRY, EXPIRY_NAMES, flushOrUndo, FILE, LIST_ADVICE, reportChange } from './keys.ts'
import type { KeyRecord, RotatedKey } from '../../keys.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const CREATE_ADVICE = 'with-auth keys create --keys FILE --principal NAME'

const FLAGS = {
  'options.expiresAt': '--expires-at',
  'options.expiresIn': '--expires-in',
  'options.older': '--older',
  'options.overlap': '--overlap',
}

const rotateCommand: Command = {
  name: 'keys rotate',
  usage: 'ID --keys FILE [OPTIONS]',
  summary: 'replace a key; the old key works for a while longer',
  details: `The new key has the principal, attributes, paths and lifetime of the old key. It is printed once, to standard output. The entry of the old key stores the id of the new key as "successor". To rotate the old key again, give --expires-in or --expires-at.

--overlap 0 ends the old key like "keys revoke": within 5 s at the gateway, elsewhere within --max-age of "with-auth endpoint". If a key has leaked, revoke it.`,
  examples: [
    'with-auth keys rotate key_zyk3qgvxqtla --keys keys.yaml > key.txt',
    'with-auth keys rotate key_zyk3qgvxqtla --keys keys.yaml --overlap 0',
  ],
  options: {
    ...FILE,
    overlap: { value: 'TIME', help: 'how long the old key still works', default: '24h' },
    ...EXPIRY,
  },
  run: rotate,
}

const removeCommand: Command = {
  name: 'keys remove',
  usage: 'ID --keys FILE',
  summary: 'remove a key from the key file, even one that still works',
  details: `To keep a record of the owner, use "keys revoke" instead.`,
  examples: ['with-auth keys remove key_zyk3qgvxqtla --keys keys.yaml'],
  options: FILE,
  run: remove,
}

const pruneCommand: Command = {
  name: 'keys prune',
  usage: '--keys FILE --older TIME [OPTIONS]',
  summary: 'remove keys that were revoked or expired some time ago',
  details: `The command prints the ids of the removed keys, one per line. --older 0 removes every revoked or expired key. A key with "revoked: true" has no time and is always removed. A "revoked" time in the future counts as now.`,
  examples: ['with-auth keys prune --keys keys.yaml --older 90d'],
  options: {
    ...FILE,
    older: { value: 'TIME', help: 'the minimum time since then, such as 90d' },
    'dry-run': { help: 'print the ids, but remove nothing' },
  },
  run: prune,
}

export const retirementCommands: readonly Command[] = [rotateCommand, removeCommand, pruneCommand]

async function rotate(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const id = requireOperand(line, 'ID')
  const file = requireText(line, 'keys', 'FILE')
  const options = pickTexts(line, { overlap: 'overlap', ...EXPIRY_NAMES })
  const rotated = await asUsage(FLAGS, () => rotateKey(file, id, options)).catch(
    nameFlag('--keys', file, { no_such_key: LIST_ADVICE, not_active: CREATE_ADVICE }),
  )
  printRotated(rotated, line.has('json'), surroundings)
  await flushOrUndo(surroundings, rotated.undo, {
    undone: `The new key was removed from ${file}, and ${rotated.replaces.id} works as long as before`,
    kept: `The new key ${rotated.id} is still in ${file}: revoke it, and correct "expires" of ${rotated.replaces.id} there`,
  })
  return EXIT.ok
}

function printRotated(rotated: RotatedKey, asJson: boolean, { print, note }: Surroundings): void {
  if (asJson) return print(`${JSON.stringify(rotated)}\n`)
  const { id, principal, expires, replaces, key } = rotated
  const until = expires === undefined ? '' : ` until ${expires}`
  const old =
    replaces.status === 'active'
      ? `works until ${replaces.expires}`
      : 'has ended; a cached decision may allow it for 5 s more at the gateway, and for --max-age elsewhere'
  note(`with-auth: ${id} for ${shown(principal)}${until}; the key is shown only once\n`)
  note(`with-auth: the old key ${replaces.id} ${old}\n`)
  print(`${key}\n`)
}

async function remove(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const id = requireOperand(line, 'ID')
  const file = requireText(line, 'keys', 'FILE')
  const removed = await removeKey(file, id).catch(
    nameFlag('--keys', file, { no_such_key: LIST_ADVICE }),
  )
  const past =
    removed.status === 'active' ? 'it worked until now' : `it was ${removed.status} before`
  return reportChange(line, surroundings, removed, {
    state: `${removed.id} is no longer in ${file}`,
    message: `${removed.id} of ${shown(removed.principal)} is removed; ${past}`,
  })
}

async function prune(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const file = requireText(line, 'keys', 'FILE')
  const older = requireText(line, 'older', 'TIME')
  const dryRun = line.has('dry-run')
  const pruned = await asUsage(FLAGS, () => pruneKeys(file, { older, dryRun })).catch(
    nameFlag('--keys', file),
  )
  printPruned(pruned, line, surroundings)
  if (pruned.length > 0 && !dryRun) {
    await flushResult(`The removed keys are no longer in ${file}`, surroundings)
  }
  return EXIT.ok
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
