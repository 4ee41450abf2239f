import { ignore } from '../../core/async.ts'
import { isWorkers } from '../../core/runtime.ts'
import { system } from '../../files/system.ts'
import { endOfKey } from '../keyring.ts'
import { createFileWriter } from './file-writer.ts'
import { UseRecorder } from './recorder.ts'
import { DAY_MS, SOON_MS } from './use.ts'
import type { KeyStore } from '../database/store.ts'
import type { KeySource } from '../options.ts'
import type { StoredKey } from '../record.ts'

type Warn = (message: string) => unknown

/**
 * Makes a function that is told of each key that has passed a check: it counts the check, and warns 14 days and one day before the
 * key expires, once each.
 */
export function observeUse(source: UseSource, warn: Warn): (key: StoredKey) => void {
  const recorder = recorderOf(source, warn)
  const told = new Map<string, number>()
  return (key) => {
    const now = Date.now()
    recorder?.count(key.id, now)
    if (key.expires === undefined) return
    const left = endOfKey(key) - now
    if (left > SOON_MS) return
    const days = left > DAY_MS ? 14 : 1
    const name = `${key.id} ${key.expires}`
    if ((told.get(name) ?? Infinity) <= days) return
    told.set(name, days)
    // A handler that throws must not change the verdict.
    ignore(new Promise((resolve) => resolve(warn(describeEnd(key, days)))))
  }
}

type UseSource =
  | Exclude<KeySource, { readonly store: unknown }>
  | { readonly store: Pick<KeyStore, 'find' | 'addUse'> }

// The principal may be private.
function describeEnd({ id, expires, successor }: StoredKey, days: number): string {
  const soon = days === 1 ? 'one day' : `${days} days`
  const advice =
    successor === undefined
      ? 'rotate it by "with-auth keys rotate"'
      : `its callers do not use its successor ${successor} yet`
  return `the key ${id} is in use and expires within ${soon}, at ${expires}: ${advice}`
}

const OF_FILES = new Map<string, UseRecorder>()
const OF_STORES = new WeakMap<object, UseRecorder>()

/** Each place has one recorder, also if a configuration is read again. */
function recorderOf(source: UseSource, warn: Warn): UseRecorder | undefined {
  const recorder = findRecorder(source)
  if (recorder !== undefined) recorder.tell = warn
  return recorder
}

function findRecorder(source: UseSource): UseRecorder | undefined {
  // A text has no place beside it.
  if ('text' in source || !hasTimers()) return undefined
  if ('file' in source) {
    const known = OF_FILES.get(source.file)
    if (known !== undefined) return known
    const recorder = new UseRecorder((uses) => write(uses))
    const write = createFileWriter(source.file, (message) => recorder.tell(message))
    OF_FILES.set(source.file, recorder)
    return recorder
  }
  const { store } = source
  if (typeof store.addUse !== 'function') return undefined
  const recorder = OF_STORES.get(store) ?? new UseRecorder((uses) => store.addUse?.(uses))
  OF_STORES.set(store, recorder)
  return recorder
}

// On Workers no timer outlives its request, and a runtime without built-in modules does not announce its end.
function hasTimers(): boolean {
  try {
    system()
    return !isWorkers()
  } catch {
    return false
  }
}
