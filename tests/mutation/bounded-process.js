import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Runs Node, and gives its exit code, or `undefined` if it took too long. All that it has started ends with it: a
 * worker in an endless loop hears no signal but the last one.
 * @param {readonly string[]} args
 * @param {{ limitMs: number, cwd?: string, env?: Record<string, string | undefined> }} options
 * @returns {Promise<number | undefined>}
 */
export async function runNode(args, { limitMs, cwd, env }) {
  if (limitMs <= 0) return undefined
  const child = spawn(process.execPath, args, { cwd, env, stdio: 'inherit', detached: true })
  let isLate = false
  const giveUp = () => {
    isLate = true
    endAll(child)
  }
  const timer = Number.isFinite(limitMs) ? setTimeout(giveUp, limitMs) : undefined
  const interrupt = () => {
    endAll(child)
    process.exit(130)
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    const [code] = await once(child, 'exit')
    return isLate ? undefined : (code ?? 1)
  } finally {
    clearTimeout(timer)
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    endAll(child)
  }
}

/** A detached process leads a group of its own, which the workers belong to. */
function endAll({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // None is left.
  }
}
