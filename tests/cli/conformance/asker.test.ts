import { createServer } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { createAsker } from '../../../src/cli/conformance/examine.ts'
import { about } from '../../../src/cli/conformance/questions.ts'
import { close, listen } from '../../support/loopback.ts'
import type { RequestListener, Server } from 'node:http'

const question = about('k1', 'a key')

let server: Server | undefined
afterEach(async () => {
  if (server !== undefined) await close(server)
})

async function asker(answer: RequestListener) {
  server = createServer(answer)
  const url = `http://127.0.0.1:${await listen(server)}/`
  return createAsker({ url, headers: {}, timeoutMs: 5000 })
}

it('keeps what it found, and goes on after every answer', async () => {
  const statuses = [200, 404, 302, 500]
  const { ask, findings, stopped } = await asker((_, response) =>
    response.writeHead(statuses.shift() ?? 401).end(),
  )
  const found = [await ask(question), await ask(question), await ask(question), await ask(question)]
  expect(found.map((finding) => finding?.obstacle)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
  expect(findings).toEqual(found)
  expect(stopped()).toBeUndefined()
})

it('asks nothing more after an obstacle, and keeps the first reason', async () => {
  let count = 0
  const { ask, findings, stopped, stop } = await asker((_, response) => {
    count += 1
    response.writeHead(404).end()
  })
  const finding = await ask(question)
  expect(finding?.obstacle?.why).toBe('nothing is under this URL (404)')
  expect(await ask(question)).toBeUndefined()
  stop('another reason')
  expect({ count, stopped: stopped(), found: findings.length }).toEqual({
    count: 1,
    stopped: 'nothing is under this URL (404)',
    found: 1,
  })
})

it('asks nothing more when told to stop', async () => {
  const { ask, stop, stopped } = await asker((_, response) => response.end())
  stop('a random key was allowed')
  expect(await ask(question)).toBeUndefined()
  expect(stopped()).toBe('a random key was allowed')
})
