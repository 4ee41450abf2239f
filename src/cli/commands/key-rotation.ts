import { rotateKey } from '../../keys.ts'
import { ANNOUNCE_OPTION } from '../announcement.ts'
import { pickTexts, requireOperand } from '../command-line.ts'
import { asUsage, nameFlag } from '../errors.ts'
import { KEYS_OPTION, withKeys } from '../key-place.ts'
import { shown } from '../shown-value.ts'
import { EXIT, flushOrUndo } from '../surroundings.ts'
import { EXPIRY, EXPIRY_NAMES, LIST_ADVICE, withoutHash } from './keys.ts'
import type { RotatedKey } from '../../keys.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const CREATE_ADVICE = 'with-auth keys create --keys FILE --principal NAME'

const FLAGS = {
  'options.expiresAt': '--expires-at',
  'options.expiresIn': '--expires-in',
  'options.overlap': '--overlap',
}

export const rotateCommand: Command = {
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

async function rotate(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const id = requireOperand(line, 'ID')
  const options = pickTexts(line, { overlap: 'overlap', ...EXPIRY_NAMES })
  return withKeys(line, surroundings, async ({ place, name }, announce) => {
    const rotated = await asUsage(FLAGS, () => rotateKey(place, id, options)).catch(
      nameFlag('--keys', name, { no_such_key: LIST_ADVICE, not_active: CREATE_ADVICE }),
    )
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
    : '; a cached decision may allow it for 5 s more at the gateway, and for --max-age elsewhere'
  const old =
    replaces.status === 'active' ? `works until ${replaces.expires}` : `has ended${cached}`
  note(`with-auth: ${id} for ${shown(principal)}${until}; the key is shown only once\n`)
  note(`with-auth: the old key ${replaces.id} ${old}\n`)
  print(`${key}\n`)
}
