import { ignore } from '../../core/async.ts'
import { files } from '../../files/system.ts'
import { parseKeys } from './document.ts'
import { readKeyFile, readKeyText, refuseLoneMount, unreadable } from './edit.ts'
import { KeyFileError } from '../error.ts'
import { createKeyring } from '../keyring.ts'
import type { Stats } from 'node:fs'
import type { KeySource } from '../options.ts'
import type { Keyring } from '../keyring.ts'

interface Loaded {
  readonly stats: Stats
  readonly text: string
  /** Whether a change since then would show in what the system tells of the file. */
  readonly isSettled: boolean
  readonly result: Keyring | KeyFileError
}

// File systems tell when a file changed to the nearest two seconds or better. So a second change within them may not show.
const SETTLED_MS = 2000

/**
 * Gives the keys of a source each time that they are asked for.
 *
 * @throws KeyFileError for what cannot be read now: the first caller must not find that out.
 */
export function openSource(
  source: KeySource,
  onError: (error: KeyFileError) => unknown,
): () => Keyring {
  if ('text' in source) {
    const keyring = createKeyring(parseKeys(source.text, 'text').keys)
    return () => keyring
  }
  refuseLoneMount(source.file)
  readKeyFile(source.file)
  return watchFile(source.file, onError)
}

/**
 * Gives the keys that are in a file now: each time the system is asked whether it has changed, which costs some microseconds.
 * A file that is gone, or broken, throws until it is repaired: what was in it before may lack what was revoked since.
 *
 * @param onError Told once of each thing that is wrong.
 */
export function watchFile(
  file: string,
  onError: (error: KeyFileError) => unknown,
  now: () => number = Date.now,
): () => Keyring {
  let loaded: Loaded | undefined
  let told: string | undefined
  const fail = (error: KeyFileError): never => {
    if (told !== error.message) tell(onError, error)
    told = error.message
    throw error
  }
  return () => {
    try {
      loaded = load(file, loaded, now)
    } catch (error) {
      loaded = undefined
      return fail(error instanceof KeyFileError ? error : unreadable(file, error))
    }
    if (loaded.result instanceof KeyFileError) return fail(loaded.result)
    told = undefined
    return loaded.result
  }
}

function load(file: string, previous: Loaded | undefined, now: () => number): Loaded {
  // Before it is read: of a change in between the next look sees the difference.
  const stats = files().statSync(file)
  if (previous?.isSettled === true && isSame(previous.stats, stats)) return previous
  const isSettled = now() - Math.max(stats.mtimeMs, stats.ctimeMs) >= SETTLED_MS
  refuseLoneMount(file)
  const text = readKeyText(file)
  const result = previous?.text === text ? previous.result : read(text, file)
  return { stats, text, isSettled, result }
}

function read(text: string, file: string): Keyring | KeyFileError {
  try {
    return createKeyring(parseKeys(text, file).keys)
  } catch (error) {
    if (error instanceof KeyFileError) return error
    throw error
  }
}

// Another file under the same name has another number; one that was written over has another time, or size.
function isSame(one: Stats, other: Stats): boolean {
  return (
    one.ino === other.ino &&
    one.mtimeMs === other.mtimeMs &&
    one.ctimeMs === other.ctimeMs &&
    one.size === other.size &&
    one.dev === other.dev &&
    one.nlink === other.nlink
  )
}

function tell(onError: (error: KeyFileError) => unknown, error: KeyFileError): void {
  try {
    ignore(onError(error))
  } catch {
    // What watches must not change what is answered.
  }
}
