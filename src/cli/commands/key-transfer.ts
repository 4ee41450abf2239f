import { parse } from 'yaml'
import { exportKeys, importKeys, KeyFileError } from '../../keys.ts'
import { ANNOUNCE_OPTION } from '../announcement.ts'
import { rejectOperands, requireOperand, requireText } from '../command-line.ts'
import { readLongFile } from '../../keys/file/long-file.ts'
import { MAX_BYTES } from '../../keys/file/read.ts'
import { nameFlag, wrongValue } from '../errors.ts'
import { KEYS_OPTION, openKeys, requireKeys, withKeys } from '../key-place.ts'
import { EXIT } from '../surroundings.ts'
import type { KeyPlace } from '../../keys.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { OpenedKeys, UsedKeys } from '../key-place.ts'
import type { Surroundings } from '../surroundings.ts'

const IMPORT_MS = 600_000

const TOO_LONG = `with-auth: the output is longer than a key file may be (${MAX_BYTES} bytes)`
// No reader of YAML or JSON takes this line.
const INCOMPLETE = '\nThis export is incomplete\n'

const importCommand: Command = {
  name: 'keys import',
  usage: 'FROM --keys FILE',
  summary: 'copy all keys of a key file or a database into a database',
  details: `The keys keep their ids and hashes, so clients notice nothing. All keys are copied, or none. The command can be repeated: a key that is there already stays as it is, but a revocation and an earlier end are copied, and neither is undone. A key that was removed from the database returns. A missing SQLite file or table is created.

FROM is a key file, a SQLite file, or env:NAME. With --config all keys of FROM that are revoked or have an end are announced.`,
  examples: ['with-auth keys import keys.yaml --keys keys.db'],
  options: { ...KEYS_OPTION, ...ANNOUNCE_OPTION },
  run: importAll,
}

const exportCommand: Command = {
  name: 'keys export',
  usage: '--keys FILE',
  summary: 'print all keys of a key file or a database as a key file',
  details:
    'The output holds the hashes of the keys. Output of more than 2 MiB, about 8,000 keys, is too long for a key file: it is for "keys import", without --json. If an export breaks off, its last line says so, and no command reads it.',
  examples: ['with-auth keys export --keys keys.yaml > copy.yaml'],
  options: KEYS_OPTION,
  run: exportAll,
}

export const transferCommands: readonly Command[] = [importCommand, exportCommand]

async function importAll(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const text = requireOperand(line, 'FROM')
  requireText(line, 'keys', 'FILE')
  const from = await openKeys(text, surroundings, { flag: 'FROM' })
  try {
    // Before the target is created.
    await requireSource(from)
    const options = { create: true, queryMs: IMPORT_MS }
    return await withKeys(line, surroundings, (to) => copy(from.place, to), options)
  } finally {
    await from.close()
  }
}

// A file may be longer here than anywhere else.
async function requireSource(from: OpenedKeys): Promise<void> {
  const { place, name } = from
  if (typeof place !== 'string') return requireKeys(from, 'FROM')
  try {
    readLongFile(place)
  } catch (error) {
    nameFlag('FROM', name)(error)
  }
}

async function copy(from: KeyPlace, to: UsedKeys): Promise<number> {
  const { place, name } = to
  if (typeof place === 'string') {
    const form =
      'a database such as keys.db or env:NAME ("with-auth keys export" prints a key file)'
    throw wrongValue('--keys', name, form)
  }
  const { retired, ...counts } = await to.use(() => importKeys(from, place))
  await to.announce(retired, `The keys are imported into ${name}`)
  const message = `imported ${counts.imported}, already present ${counts.present}`
  return to.report(counts, 'The keys are imported', message)
}

async function exportAll(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const isJson = line.has('json')
  return withKeys(line, surroundings, async ({ place, use }) => {
    const pieces = exportKeys(place)
    const length = await use(() => printAll(isJson ? toJson(pieces) : pieces, surroundings))
    const advice = isJson ? 'to import it, leave out --json' : 'it is for "with-auth keys import"'
    if (length > MAX_BYTES) surroundings.note(`${TOO_LONG}: ${advice}\n`)
    return EXIT.ok
  })
}

/** Returns the length of the output in bytes. */
async function printAll(
  pieces: AsyncIterable<string>,
  { print, flush }: Surroundings,
): Promise<number> {
  let length = 0
  try {
    for await (const piece of pieces) {
      length += Buffer.byteLength(piece)
      print(piece)
      // A slow reader must not fill the memory.
      await flush()
    }
  } catch (error) {
    if (length === 0 || !(error instanceof KeyFileError)) throw error
    print(INCOMPLETE)
    const message = `${error.message}. The output is incomplete`
    throw new KeyFileError(error.code, message, [], { cause: error })
  }
  return length
}

// Only the first piece begins with the name of the list.
async function* toJson(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let separator = '{"keys":['
  for await (const piece of pieces) {
    const parsed: unknown = parse(piece)
    const keys: unknown = Array.isArray(parsed) ? parsed : Reflect.get(Object(parsed), 'keys')
    yield separator + JSON.stringify(keys).slice(1, -1)
    separator = ','
  }
  yield ']}\n'
}
