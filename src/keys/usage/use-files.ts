import { files, reasonOf, system } from '../../files/system.ts'
import { readTextFile } from '../../files/text-file.ts'
import { KeyFileError } from '../error.ts'
import { unreadable } from '../file/read.ts'
import { isRecord } from '../../core/endpoint/claim-path.ts'
import { parseJson } from '../../core/endpoint/verdict.ts'
import { parseUse } from './use.ts'
import type { KeyUse } from './use.ts'

/** The content of a file of use. */
export interface UseFile {
  readonly uses: readonly KeyUse[]
  /** The ids of the processes whose files were added to this one. Theirs may still be there, and no longer count. */
  readonly merged: readonly string[]
}

// Five weeks of as many keys as a file of keys may hold.
const MAX_BYTES = 64 * 1024 * 1024
const OWN = /^\.([\da-f]{16})$/

const isText = (value: unknown): value is string => typeof value === 'string'

/** The file beside the keys that has the use which ended processes have counted. */
export function useFileOf(file: string): string {
  return `${file}.usage`
}

/** The ids of the processes that have a file of their own beside it. */
export function processesOf(useFile: string): readonly string[] {
  const path = system().getBuiltinModule('node:path')
  const base = path.basename(useFile)
  return files()
    .readdirSync(path.dirname(useFile))
    .flatMap((name) =>
      name.startsWith(base) ? (OWN.exec(name.slice(base.length))?.[1] ?? []) : [],
    )
}

/**
 * Reads what all processes have counted for the keys of a file.
 *
 * @throws KeyFileError
 */
export function readUseFiles(file: string): readonly KeyUse[] {
  const useFile = useFileOf(resolve(file))
  // First the names: if a file is merged before it is read, its counts are in the common file.
  const ids = processesOf(useFile)
  const own = ids.map((id) => [id, readUseFile(`${useFile}.${id}`)] as const)
  const common = readUseFile(useFile)
  const isCounted = new Set(common?.merged)
  const uses = own.flatMap(([id, found]) => (isCounted.has(id) ? [] : (found?.uses ?? [])))
  return [...(common?.uses ?? []), ...uses]
}

/** The target of a symbolic link, so that all names of the keys have one use. */
export function resolve(file: string): string {
  try {
    return files().realpathSync(file)
  } catch {
    return file
  }
}

/**
 * Reads one file; `undefined` if there is none.
 *
 * @throws KeyFileError
 */
export function readUseFile(file: string): UseFile | undefined {
  let text: string
  try {
    text = readTextFile(file, MAX_BYTES)
  } catch (cause) {
    if (reasonOf(cause) === 'ENOENT') return undefined
    throw unreadable(file, cause)
  }
  const content = parseJson(text)
  const { uses, merged }: Readonly<Record<string, unknown>> = isRecord(content) ? content : {}
  if (Array.isArray(uses) && Array.isArray(merged)) {
    return { uses: uses.flatMap((use) => parseUse(use) ?? []), merged: merged.filter(isText) }
  }
  const advice = 'Remove it: the counts in it are lost'
  throw new KeyFileError('malformed', `${file} does not hold the use of keys. ${advice}`)
}
