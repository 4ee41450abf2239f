import { expect, it } from 'vitest'
import { serveDemoApi } from '../../src/cli/commands/demo.ts'

async function ask(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return serveDemoApi(new Request(`http://127.0.0.1${path}`, { headers }))
}

it('says who called, as the gateway tells it', async () => {
  const headers = { 'x-auth-principal': 'al%C3%AFce', 'x-auth-attributes': '{"roles":["reader"]}' }
  expect(await (await ask('/v1/me', headers)).json()).toEqual({
    principal: 'alïce',
    attributes: { roles: ['reader'] },
  })
  expect(await (await ask('/v1/me')).json()).toEqual({ principal: '', attributes: {} })
})

it('streams some words', async () => {
  const response = await ask('/v1/chat')
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const words = ['Hello', 'from', 'a', 'guarded', 'stream']
  expect(await response.text()).toBe(words.map((word) => `data: ${word}\n\n`).join(''))
})

it('stops streaming when the client has left', async () => {
  const controller = new AbortController()
  const request = new Request('http://127.0.0.1/v1/chat', { signal: controller.signal })
  const response = await serveDemoApi(request)
  controller.abort()
  expect((await response.text()).match(/data: /g)?.length ?? 0).toBeLessThan(5)
})

it('has a front page, and nothing else', async () => {
  const [front, lost] = [await ask('/'), await ask('/v2')]
  expect([front.status, await front.text()]).toEqual([200, 'Everybody may read this.\n'])
  expect([lost.status, await lost.text()]).toEqual([404, 'Not found\n'])
})
