import { createReadStream } from 'node:fs'
import { nameFlag } from './file-flag.ts'
import { readInput } from './standard-streams.ts'
import { UsageError } from './usage-error.ts'
import type { CommandLine, OptionSpecs } from './command-line.ts'
import type { Surroundings } from './surroundings.ts'

/** How a key is given to a command: never in its arguments, which every user of the machine can list. */
export const KEY_OPTIONS: OptionSpecs = {
  'key-file': { value: 'FILE', help: 'a file with a good key' },
}

/** The good key, if there is one. Throws `UsageError` for what cannot be a key, without showing it. */
export async function readPresentedKey(
  line: CommandLine,
  { env }: Pick<Surroundings, 'env'>,
): Promise<string | undefined> {
  const file = line.text('key-file')
  const text = file === undefined ? env['WITH_AUTH_KEY'] : await readKeyFile(file)
  if (text === undefined) return undefined
  return readKey(text, file === undefined ? 'WITH_AUTH_KEY' : '--key-file')
}

function readKeyFile(file: string): Promise<string> {
  return readInput(createReadStream(file)).catch(nameFlag('--key-file', file))
}

/** The key that a text is, with blanks around it. Throws `UsageError` for any other text, without showing it. */
export function readKey(text: string, source: string): string {
  const key = text.trim()
  if (/^[\x21-\x7e]{1,8192}$/.test(key)) return key
  throw new UsageError(`${source} must hold one key, in visible ASCII (it is not shown)`)
}
