import { chmodSync, lstatSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { reasonOf } from '../../files/system.ts'
import { showFile } from '../shown-value.ts'
import type { Stats } from 'node:fs'
import type { Server } from 'node:net'

const PROBE_MS = 1000

/**
 * Listens at a Unix socket that only this user can connect to. It is made in a folder of this user and moved to its place, so that
 * it never has wider rights. It replaces the socket of a process that has ended. Returns what removes it.
 *
 * @param flag Named by the errors.
 */
export async function listenPrivately(
  server: Server,
  path: string,
  flag: string,
): Promise<() => void> {
  await requireFree(path, flag)
  try {
    const folder = mkdtempSync(join(dirname(path), '.wa-'))
    try {
      const made = join(folder, 's')
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(made, resolve)
      })
      chmodSync(made, 0o600)
      const { ino } = lstatSync(made)
      renameSync(made, path)
      return () => removeOwn(path, ino)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  } catch (error) {
    server.close()
    const reason = reasonOf(error)
    const why = reason === 'ENOENT' ? 'its folder does not exist' : `it cannot be made (${reason})`
    throw new Error(`${flag} ${showFile(path)}: ${why}`, { cause: error })
  }
}

async function requireFree(path: string, flag: string): Promise<void> {
  const found = whatIs(path)
  if (found === undefined) return
  const shown = `${flag} ${showFile(path)}`
  if (!found.isSocket()) throw new Error(`${shown}: there is a file that is no socket`)
  if (await isLive(path)) throw new Error(`${shown}: another process listens there`)
}

/** Returns `undefined` also if the path cannot be read. Making the socket then fails with an error that names the flag. */
function whatIs(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** Whether a process listens at a socket. One that does not answer, or that is of another user, may be live. */
function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const end = (isAnswered: boolean) => (): void => {
      socket.destroy()
      resolve(isAnswered)
    }
    socket.setTimeout(PROBE_MS, end(true)).once('connect', end(true))
    socket.once('error', (error) => end(!['ECONNREFUSED', 'ENOENT'].includes(reasonOf(error)))())
  })
}

/** Another process may have replaced it since. */
function removeOwn(path: string, ino: number): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true })
}
