/** @module-tag slow */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ensureBuilt } from './support/built-package.ts'
import { close, isListening, listen } from './support/loopback.ts'
import { paste } from './support/pasted-curl.ts'
import { startDemo } from './support/running-demo.ts'
import type { Server } from 'node:net'
import type { RunningDemo } from './support/running-demo.ts'

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
