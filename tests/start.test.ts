/** @module-tag slow */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ensureBuilt } from './support/built-package.ts'
import { close, isListening, listen } from './support/loopback.ts'
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { ROOT } from './support/project.ts'
import { spawnProgram } from './support/spawned-program.ts'
import type { Server } from 'node:net'

const PROGRAM = join(ROOT, 'dist/cli.js')

/** A curl line that the program printed, and the answer that it promises. */
interface PrintedCall {
  readonly line: string
  readonly answer: string
}

interface RunningDemo {
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
async function startDemo(folder: string): Promise<RunningDemo> {
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

const hasCurl = spawnSync('curl', ['--version']).status === 0 && process.platform !== 'win32'

/** Runs a curl line in a shell and returns its output. Without curl, `fetch` sends the same request. */
async function paste(line: string): Promise<string> {
  if (!hasCurl) return fetchLine(line)
  // Without HOME and proxy variables curl ignores the user's .curlrc and proxy.
  const env = { PATH: process.env['PATH'], NO_PROXY: '*' }
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', line], { env })
  return stdout
}

/** Prints like `curl -sw "\n%{http_code}\n"` prints. */
async function fetchLine(line: string): Promise<string> {
  const url = line.split(' ').at(-1) ?? ''
  const authorization = /-H "Authorization: ([^"]*)"/.exec(line)?.[1]
  const headers = authorization === undefined ? {} : { authorization }
  const response = await fetch(url, { headers })
  return `${await response.text()}\n${response.status}\n`
}

const USUAL_PORTS = [8320, 8322]

describe('the program of npm start', () => {
  let folder: string
  let demos: RunningDemo[] = []
  let squatters: Server[] = []

  beforeAll(ensureBuilt, 60_000)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'with-auth-start-'))
  })
  afterEach(async () => {
    for (const demo of demos) demo.kill('SIGKILL')
    await Promise.all(demos.map(({ ended }) => ended))
    await Promise.all(squatters.map((squatter) => close(squatter)))
    demos = []
    squatters = []
    rmSync(folder, { recursive: true })
  })

  async function start(): Promise<RunningDemo> {
    const demo = await startDemo(folder)
    demos.push(demo)
    return demo
  }

  it('prints three curl commands, and the output of each below it', async () => {
    const { calls } = await start()
    expect(calls.map(({ answer }) => answer)).toEqual([
      '{"error":{"message":"Missing or invalid Authorization header","type":"authentication_error","code":"missing_credentials"}}\n401\n',
      '{"error":{"message":"Authentication failed","type":"authentication_error","code":"denied"}}\n401\n',
      '{"principal":"alice","attributes":{"roles":["reader"]}}\n200\n',
    ])
    for (const { line, answer } of calls) expect(await paste(line)).toBe(answer)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'leaves nothing behind after a %s during a stream',
    async (signal) => {
      // On free ports, so that no other run of this test takes them.
      squatters = await takeUsualPorts()
      const demo = await start()
      const reader = await openStream(demo.gatewayUrl, demo.key)
      await reader.read()
      demo.kill(signal)
      const output = expect.stringMatching(/^\S+ 200 GET {2}\/v1\/chat allow .*\n$/) as string
      expect(await demo.ended).toEqual({ code: 0, output })
      await expect(readAll(reader)).rejects.toThrow('terminated')
      expect(await isListening(portOf(demo.gatewayUrl))).toBe(false)
      expect(await isListening(portOf(demo.apiUrl))).toBe(false)
      expect(readdirSync(folder)).toEqual([])
    },
  )

  it('stops when npm passes on the Ctrl-C of the terminal', async () => {
    const demo = await start()
    demo.kill('SIGINT')
    demo.kill('SIGINT')
    expect(await demo.ended).toEqual({ code: 0, output: '' })
  })
})

async function openStream(
  gatewayUrl: string,
  key: string,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const headers = { authorization: `Bearer ${key}` }
  const { body } = await fetch(`${gatewayUrl}/v1/chat`, { headers })
  if (body === null) throw new Error('The answer has no body')
  return body.getReader()
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

const portOf = (url: string): number => Number(new URL(url).port)

/** Takes the usual ports, unless they are taken already. */
async function takeUsualPorts(): Promise<Server[]> {
  const squatters = USUAL_PORTS.map(() => createServer())
  await Promise.allSettled(squatters.map((server, index) => listen(server, USUAL_PORTS[index])))
  return squatters
}
