import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import timers from 'node:timers'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { gatewayCommand } from '../../../src/cli/commands/gateway.ts'
import { startEndpointWithKeys } from '../../support/auth-endpoint.ts'
import { close, listen } from '../../support/loopback.ts'
import { serveCommand, stopCommands } from '../../support/served-command.ts'
import { TOKEN } from '../../support/token.ts'
import type { RequestListener } from 'node:http'

/** For tests of a gateway that follows its file. They may run side by side. */

export const KEY = `sk-${TOKEN}`
export const ENOUGH = { timeout: 15_000, interval: 20 }

/** How often the gateway looks at its file in these tests. Otherwise it does so every second. */
export const LOOK_MS = 50
const { setTimeout: start } = timers
const startSoon = (call: () => void, ms = 0) => start(call, (ms * LOOK_MS) / 1000)
// A spy would end with the first test.
beforeAll(() => void Reflect.set(timers, 'setTimeout', startSoon))

const ends: (() => unknown)[] = []
afterAll(async () => {
  Reflect.set(timers, 'setTimeout', start)
  await stopCommands()
  for (const end of ends) await end()
})

/** Ends something after the last test, and before what was started earlier. */
export function endLater(end: () => unknown): void {
  ends.unshift(end)
}

export function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'with-auth-live-'))
  endLater(() => rmSync(folder, { recursive: true }))
  return folder
}

export async function serveHttp(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  const port = await listen(server)
  endLater(() => close(server))
  return `http://127.0.0.1:${port}/`
}

/** An endpoint that answers 200 to everything, such as a health check. */
export function startOpenEndpoint(afterMs = 0): Promise<string> {
  return serveHttp((request, response) => {
    request.resume().on('end', () => setTimeout(() => response.end('{}'), afterMs))
  })
}

/** An endpoint that allows one key. */
export async function startEndpoint(key = KEY) {
  const endpoint = await startEndpointWithKeys({ [key]: 'alice' })
  endLater(() => endpoint.close())
  const timesAsked = (token: string): number => endpoint.asked.filter((one) => one === token).length
  return { ...endpoint, timesAsked }
}

export function runYaml(...lines: readonly string[]): string {
  return ['server:', '  auth:', ...lines.map((line) => `    ${line}`), ''].join('\n')
}

/** A gateway with a run.yaml, and an upstream that records its requests. */
export async function startGateway(text: string, args: readonly string[] = [], givenFile?: string) {
  const folder = createFolder()
  const reached: (string | undefined)[] = []
  const upstream = await serveHttp(({ url }, response) => {
    reached.push(url)
    response.end('from the upstream')
  })
  const file = givenFile ?? join(folder, 'run.yaml')
  const write = (content: string): void => writeFileSync(file, content)
  write(text)
  const gateway = serveCommand(gatewayCommand, ['--upstream', upstream, '--config', file, ...args])
  const url = await gateway.listening()
  const { logged } = gateway
  const call = (path = '/', key: string | undefined = KEY): Promise<Response> =>
    fetch(url + path, key === '' ? {} : { headers: { authorization: `Bearer ${key}` } })
  const status = async (path = '/', key = KEY): Promise<number> => (await call(path, key)).status
  const challenge = async (): Promise<string | null> =>
    (await call('/', '')).headers.get('www-authenticate')
  const changed = (times = 1, type = 'config'): Promise<void> =>
    vi.waitFor(() => expect(logged(type)).toHaveLength(times), ENOUGH)
  return { ...gateway, folder, file, write, reached, call, status, challenge, changed }
}
