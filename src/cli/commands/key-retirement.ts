import { pruneKeys, removeKey, rotateKey } from '../../keys.ts'
import { refuseOperands, requireOperand, requireText } from '../command-line.ts'
import { addAdvice, asUsage, nameFlag } from '../errors.ts'
import { shown } from '../shown-value.ts'
import { EXIT, flushResult } from '../surroundings.ts'
import type { KeyRecord, RotatedKey, RotateOptions } from '../../keys.ts'
import type { Command, CommandLine, OptionSpecs } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const LIST = '"with-auth keys list" shows the ids'
const CREATE = 'with-auth keys create --keys FILE --principal NAME'
const FILE: OptionSpecs = { keys: { value: 'FILE', help: 'the file of keys' } }

const FLAGS = {
  'options.expiresAt': '--expires-at',
  'options.expiresIn': '--expires-in',
  'options.older': '--older',
  'options.overlap': '--overlap',
}

const rotateCommand: Command = {
  name: 'keys rotate',
  usage: 'ID --keys FILE [OPTIONS]',
  summary: 'replace a key: the old one works for a while longer',
  details: `The new key has the principal, the attributes, the paths and the lifetime of the old one. It is printed to standard output, once. The old entry gets the id of the new key as "successor"; to rotate it again, give --expires-in or --expires-at. --overlap 0 ends the old key as "keys revoke" does: within 5 s at the gateway, elsewhere within --max-age of "with-auth endpoint". If a key has leaked, revoke it.`,
  examples: [
    'with-auth keys rotate key_zyk3qgvxqtla --keys keys.yaml > key.txt',
    'with-auth keys rotate key_zyk3qgvxqtla --keys keys.yaml --overlap 0',
  ],
  options: {
    ...FILE,
    overlap: { value: 'TIME', help: 'how long the old key still works', default: '24h' },
    'expires-in': { value: 'TIME', help: 'how long the new key lasts, such as 90d' },
    'expires-at': { value: 'TIME', help: 'when it ends, such as 2030-01-01T00:00:00Z' },
  },
  run: rotate,
}

const removeCommand: Command = {
  name: 'keys remove',
  usage: 'ID --keys FILE',
  summary: 'remove a key from the file, also one that works',
  details: `To keep a record of whose key it was, use "keys revoke" instead.`,
  examples: ['with-auth keys remove key_zyk3qgvxqtla --keys keys.yaml'],
  options: FILE,
  run: remove,
}

const pruneCommand: Command = {
  name: 'keys prune',
  usage: '--keys FILE --older TIME [OPTIONS]',
  summary: 'remove the keys that were revoked or expired some time ago',
  details: `The ids of the removed keys are printed, one a line. --older 0 removes every revoked or expired key. A key with "revoked: true", which has no time, is always removed. A "revoked" in the future counts as now.`,
  examples: ['with-auth keys prune --keys keys.yaml --older 90d'],
  options: {
    ...FILE,
    older: { value: 'TIME', help: 'how long ago at least, such as 90d' },
    'dry-run': { help: 'print the ids only, and remove nothing' },
  },
  run: prune,
}

/** The commands that end keys, except `keys revoke`. */
export const retirementCommands: readonly Command[] = [rotateCommand, removeCommand, pruneCommand]

async function rotate(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const id = requireOperand(line, 'ID')
  const file = requireText(line, 'keys', 'FILE')
  const rotated = await asUsage(FLAGS, () => rotateKey(file, id, readRotateOptions(line)))
    .catch(nameFlag('--keys', file))
    .catch(addAdvice({ no_such_key: LIST, not_active: CREATE }))
  printRotated(rotated, line.has('json'), surroundings)
  await surroundings.flush().catch((error: unknown) => cancel(file, rotated, error))
  return EXIT.ok
}

function readRotateOptions(line: CommandLine): RotateOptions {
  const [overlap, expiresIn] = [line.text('overlap'), line.text('expires-in')]
  const expiresAt = line.text('expires-at')
  return {
    ...(overlap === undefined ? {} : { overlap }),
    ...(expiresIn === undefined ? {} : { expiresIn }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

function printRotated(rotated: RotatedKey, asJson: boolean, { print, note }: Surroundings): void {
  if (asJson) return print(`${JSON.stringify(rotated)}\n`)
  const { id, principal, expires, replaces, key } = rotated
  const until = expires === undefined ? '' : ` until ${expires}`
  const old =
    replaces.status === 'active'
      ? `works until ${replaces.expires}`
      : 'has ended; a cached decision may admit it for 5 s more at the gateway, and for --max-age elsewhere'
  note(`with-auth: ${id} for ${shown(principal)}${until}; the key is not shown again\n`)
  note(`with-auth: the old key ${replaces.id} ${old}\n`)
  print(`${key}\n`)
}

// A key that was never shown must not stay valid, and the old one must not end for it.
async function cancel(file: string, rotated: RotatedKey, cause: unknown): Promise<never> {
  const { id, replaces } = rotated
  const reason = cause instanceof Error ? cause.message : 'Cannot write the key'
  const state = await rotated.undo().then(
    () => `The new key is not in ${file} any more, and ${replaces.id} lasts as long as before`,
    () =>
      `The new key ${id} is still in ${file}: revoke it, and correct "expires" of ${replaces.id} there`,
  )
  throw new Error(`${reason}. ${state}`, { cause })
}

async function remove(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const { print, note } = surroundings
  const id = requireOperand(line, 'ID')
  const file = requireText(line, 'keys', 'FILE')
  const removed = await removeKey(file, id)
    .catch(nameFlag('--keys', file))
    .catch(addAdvice({ no_such_key: LIST }))
  if (line.has('json')) {
    print(`${JSON.stringify(removed)}\n`)
    await flushResult(`${removed.id} is no longer in ${file}`, surroundings)
    return EXIT.ok
  }
  note(`with-auth: ${removed.id} of ${shown(removed.principal)} is removed; ${pastOf(removed)}\n`)
  return EXIT.ok
}

function pastOf({ status }: KeyRecord): string {
  return status === 'active' ? 'it worked until now' : `it was ${status} before`
}

async function prune(line: CommandLine, surroundings: Surroundings): Promise<number> {
  refuseOperands(line)
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
