import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ROOT } from './project.ts'

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
  const child = spawn(process.execPath, [PROGRAM, 'demo'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], TMPDIR: folder },
  })
  let output = ''
  const closed = once(child, 'close') as Promise<[number | null]>
  const ready = new Promise<void>((resolve) => {
    const read = (text: string): void => {
      output += text
      if (output.includes('Ctrl-C')) resolve()
    }
    child.stdout.setEncoding('utf8').on('data', read)
    child.stderr.setEncoding('utf8').on('data', read)
  })
  await Promise.race([ready, closed])
  const guide = output
  const facts = readGuide(guide)
  if (facts === undefined) {
    child.kill('SIGKILL')
    throw new Error(`The program did not print what it should:\n${guide}`)
  }
  return {
    ...facts,
    kill: (signal) => void child.kill(signal),
    ended: closed.then(([code]) => ({ code, output: output.slice(guide.length) })),
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
