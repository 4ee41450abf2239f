/** @module-tag slow */
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { OpenAI } from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { AuthUnavailableError } from '../../src/index.ts'
import { whyMissing } from '../support/installed.ts'
import { close, findFreePort, listen } from '../support/loopback.ts'
import { readTable, withoutBackticks } from '../support/markdown.ts'
import { readText } from '../support/project.ts'
import { onSrvx } from '../support/socket-gateway.ts'
import type { Server } from 'node:http'
import type { AuthConfig } from '../../src/index.ts'
import type { SocketGateway } from '../support/socket-gateway.ts'

/** The messages of clients in docs/frameworks/behind-the-gateway.md, compared with the gateway that the command serves. */

const PYTHON = '/usr/bin/python3'
const noPython = whyMissing(
  [PYTHON, '-c', 'import httpx, requests'],
  'python3-httpx python3-requests',
)
const page = readText('docs/frameworks/behind-the-gateway.md')
const rows = readTable(page, 'status and `code`').map((row) => row.map(withoutBackticks))

const CALLS = `
import json, sys, httpx, requests
def shown(client, url, headers):
    try: client.get(url, headers=headers).raise_for_status()
    except Exception as error: return str(error).split("\\n")[0].replace(url, "…")
asked = json.loads(sys.argv[1])
print(json.dumps([[shown(client, *one) for client in (requests, httpx)] for one in asked]))
`

const verifier: AuthConfig['verifier'] = ({ token }) => {
  if (token === 'denied') return { outcome: 'deny' }
  if (token === 'forbidden') return { outcome: 'deny', reason: 'forbidden' }
  if (token === 'rate_limited' || token === 'service_error') throw new AuthUnavailableError(token)
  return { outcome: 'allow', principal: 'alice' }
}

let silent: Server
let gateways: readonly [dead: SocketGateway, slow: SocketGateway]

beforeAll(async () => {
  silent = createServer(() => undefined)
  const slow = `http://127.0.0.1:${await listen(silent)}`
  const dead = `http://127.0.0.1:${await findFreePort()}`
  const config = { verifier, unavailableStatus: 503, circuitBreaker: false } as const
  gateways = [
    await onSrvx({ upstream: dead }, config),
    await onSrvx({ upstream: slow, timeoutMs: 200 }, config),
  ]
})
afterAll(async () => {
  await Promise.all([...gateways.map((gateway) => gateway.close()), close(silent)])
})

/** The code of a row is the key, so that the gateway answers with it. */
const originFor = (code: string): string =>
  `http://127.0.0.1:${gateways[code === 'upstream_timeout' ? 1 : 0].port}`

async function shownByOpenai(code: string): Promise<string> {
  const headers = code === 'missing_credentials' ? { authorization: null } : {}
  const options = { baseURL: `${originFor(code)}/v1`, apiKey: code, defaultHeaders: headers }
  const error: unknown = await new OpenAI({ ...options, maxRetries: 0 }).models
    .list()
    .catch((thrown: unknown) => thrown)
  if (!(error instanceof OpenAI.APIError)) throw new Error('No rejection')
  return `${error.constructor.name}: ${error.message}`
}

it.each(rows)('%s %s', async (status, shown) => {
  const code = status.slice('401 '.length)
  expect(await shownByOpenai(code)).toBe(shown)
  expect(shown).toContain(`: ${status.slice(0, 3)} `)
})

it.skipIf(noPython !== undefined)('requests and httpx show what the page says', async () => {
  const asked = rows.map(([status = '']) => {
    const code = status.slice('401 '.length)
    const headers = code === 'missing_credentials' ? {} : { authorization: `Bearer ${code}` }
    return [`${originFor(code)}/v1/models`, headers]
  })
  const { stdout } = await promisify(execFile)(PYTHON, ['-c', CALLS, JSON.stringify(asked)])
  expect(JSON.parse(stdout)).toEqual(rows.map(([, , ...shown]) => shown))
})
