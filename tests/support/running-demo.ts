import { join } from 'node:path'
import { ROOT } from './project.ts'
import { spawnProgram } from './spawned-program.ts'

const PROGRAM = join(ROOT, 'dist/cli.js')

/** A curl line that the program printed, and the answer that it promises. */
interface PrintedCall {
  readonly line: string
  readonly answer: string
}

export interface RunningDemo {
  readonly calls: readonly PrintedCall[]
  readonly key: string
  /** Without a trailing slash. */
  readonly gatewayUrl: string
  readonly apiUrl: string
  readonly kill: (signal: NodeJS.Signals) => void
  /** Stops the program. `output` is its output after the guide, with errors. */
  readonly ended: Promise<{ code: number | null; output: string }>
}

/** Starts `with-auth demo` in a folder and reads its guide. */
export async function startDemo(folder: string): Promise<RunningDemo> {
  const env = { TMPDIR: folder }
  const program = spawnProgram(process.execPath, [PROGRAM, 'demo'], { cwd: folder, env })
  await program.printed(/Ctrl-C.*\n/)
  const guide = program.stdout()
  const facts = readGuide(guide)
  if (facts === undefined) {
    program.kill('SIGKILL')
    throw new Error(`The program did not print what it should:\n${guide}`)
  }
  const rest = (): string => program.stdout().slice(guide.length) + program.stderr()
  return {
    ...facts,
    kill: program.kill,
    ended: program.ended.then((code) => ({ code, output: rest() })),
  }
}

type Facts = Pick<RunningDemo, 'calls' | 'key' | 'gatewayUrl' | 'apiUrl'>

function readGuide(guide: string): Facts | undefined {
  const key = /Bearer (withauth_[^"]+)"/.exec(guide)?.[1]
  const gatewayUrl = /^ {2}gateway +(http:\/\/127\.0\.0\.1:\d+)$/m.exec(guide)?.[1]
  const apiUrl = /^ {2}API behind it +(http:\/\/127\.0\.0\.1:\d+)$/m.exec(guide)?.[1]
  if (key === undefined || gatewayUrl === undefined || apiUrl === undefined) return undefined
  const printed = [...guide.matchAll(/^ {2}(curl .*)\n\n((?: {2}.*\n)+)/gm)]
  const calls = printed.map(([, line = '', answer = '']) => ({ line, answer: outdent(answer) }))
  return { calls, key, gatewayUrl, apiUrl }
}

function outdent(text: string): string {
  return text.replaceAll(/^ {2}/gm, '')
}
