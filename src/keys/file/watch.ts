import { files } from '../../files/system.ts'
import { KeyFileError } from '../error.ts'
import { createKeyring } from '../keyring.ts'
import { parseKeys } from './document.ts'
import { readKeyFile, readKeyText, rejectLoneMount, unreadable } from './read.ts'
import type { Stats } from 'node:fs'
import type { Keyring } from '../keyring.ts'
import type { FindKey } from '../error.ts'
import type { FileSource } from '../options.ts'

interface Loaded {
  readonly stats: Stats
  readonly text: string
  /** Whether `stats` would show any later change. */
  readonly isSettled: boolean
  readonly result: Keyring | KeyFileError
}

// File systems round times to two seconds or less. A second change within that time may not show in `stats`.
const SETTLED_MS = 2000
// A replaced file has another inode, and an overwritten one another time or size.
const SIGNS = ['ino', 'mtimeMs', 'ctimeMs', 'size', 'dev', 'nlink'] as const

/** @throws KeyFileError for keys that cannot be read now, so that a broken file shows at startup. */
export function openSource(source: FileSource): FindKey {
  if ('text' in source) {
    const keyring = createKeyring(parseKeys(source.text, 'text').keys)
    return (sha256) => keyring.get(sha256)
  }
  readKeyFile(source.file)
  rejectLoneMount(source.file)
  const currentKeys = followFile(source.file)
  return (sha256) => currentKeys().get(sha256)
}

/**
 * Returns a function that returns the keys in a file now. Each call asks the system whether the file has changed, which takes some
 * microseconds. While the file is missing or broken, each call throws: the last good keys may lack a revocation.
 */
export function followFile(file: string): () => Keyring {
  let loaded: Loaded | undefined
  return () => {
    try {
      loaded = load(file, loaded)
    } catch (error) {
      loaded = undefined
      throw error instanceof KeyFileError ? error : unreadable(file, error)
    }
    if (loaded.result instanceof KeyFileError) throw loaded.result
    return loaded.result
  }
}

function load(file: string, previous: Loaded | undefined): Loaded {
  // `stats` come first: the next call then notices a change during the read.
  const stats = files().statSync(file)
  const isSame = SIGNS.every((sign) => previous?.stats[sign] === stats[sign])
  if (previous?.isSettled === true && isSame) return previous
  const isSettled = Date.now() - Math.max(stats.mtimeMs, stats.ctimeMs) >= SETTLED_MS
  rejectLoneMount(file)
  const text = readKeyText(file)
  const result = previous?.text === text ? previous.result : parse(text, file)
  return { stats, text, isSettled, result }
}

function parse(text: string, file: string): Keyring | KeyFileError {
  try {
    return createKeyring(parseKeys(text, file).keys)
  } catch (error) {
    if (error instanceof KeyFileError) return error
    throw error
  }
}
