import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface SpawnedProgram {
  /** The output so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  /** Waits until the output matches. Rejects with the output if the program ends first. */
  readonly printed: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly kill: (signal: NodeJS.Signals) => void
  readonly ended: Promise<number | null>
}

/** Starts a program without the environment variables of the test run. */
export function spawnProgram(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): SpawnedProgram {
  const env = { PATH: process.env['PATH'], HOME: options.cwd, ...options.env }
  const child = spawn(command, args, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = (signal: NodeJS.Signals): void => void child.kill(signal)
  const killLast = (): void => kill('SIGKILL')
  process.once('exit', killLast)
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += String(text)))
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += String(text)))
  const ended = once(child, 'close').then(([code]) => {
    process.off('exit', killLast)
    return code as number | null
  })
  const printed = async (pattern: RegExp): Promise<RegExpExecArray> => {
    let hasEnded = false
    const end = ended.then(() => (hasEnded = true))
    for (;;) {
      const match = pattern.exec(stdout) ?? pattern.exec(stderr)
      if (match !== null) return match
      if (hasEnded) throw new Error(`The program ended and printed: ${stdout}${stderr}`)
      const turn = new AbortController()
      const more = [child.stdout, child.stderr].map((one) => once(one, 'data', turn))
      await Promise.race([...more, end])
      // Without it a listener stays for each piece that the other stream prints.
      turn.abort()
    }
  }
  return { stdout: () => stdout, stderr: () => stderr, printed, kill, ended }
}
