import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'

export interface Child {
  readonly process: ChildProcess
  readonly port: number
  readonly printed: () => string
}

const START_MS = 20_000

/** Starts a program of this folder and waits for its port. */
export async function startChild(program: string, args: readonly string[]): Promise<Child> {
  const child = fork(join(import.meta.dirname, program), args, {
    // With a small young generation the heap settles soon. The program collects garbage before it tells its heap.
    execArgv: ['--max-semi-space-size=4', '--expose-gc'],
    env: { NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-4_000)))
  }
  const exited = once(child, 'exit').then(() => {
    throw new Error(`${program} does not start. It printed: ${printed}`)
  })
  const late = AbortSignal.timeout(START_MS)
  const [message] = await Promise.race([once(child, 'message', { signal: late }), exited])
  const { port } = message as { port: number }
  return { process: child, port, printed: () => printed }
}

export async function endChild(
  { process: child }: Child,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}
