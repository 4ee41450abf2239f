import { expect, it, vi } from 'vitest'
import { setupAttack } from './attack.ts'
import { get } from '../../support/requests.ts'
import { TOKEN } from '../../support/token.ts'

const { attack } = setupAttack()

it.each([
  ['rejected', {}, 401],
  ['allowed', { authorization: `Bearer ${TOKEN}` }, 200],
])(
  'the body of a request that is %s is not read, cloned or locked',
  async (_what, headers, status) => {
    const pull = vi.fn<() => void>()
    const body = new ReadableStream({ pull }, { highWaterMark: 0 })
    const request = new Request('https://api.example.test/upload', {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
    } as RequestInit)
    const clone = vi.spyOn(request, 'clone')
    expect(await attack(request)).toMatchObject({ status })
    expect(pull).not.toHaveBeenCalled()
    expect(clone).not.toHaveBeenCalled()
    expect([request.bodyUsed, request.body?.locked]).toEqual([false, false])
  },
)

it('the headers and properties of a request stay as they are', async () => {
  const request = get('/admin', TOKEN, { cookie: 'a=b' })
  const before = [...request.headers]
  await attack(request)
  expect([...request.headers]).toEqual(before)
  expect(Reflect.ownKeys(request)).toEqual(Reflect.ownKeys(get('/admin')))
})

it('the signal of a request is not read: reading it changes how Deno treats the request', async () => {
  const touched = vi.fn<() => undefined>()
  const request = Object.defineProperty(get('/admin', TOKEN), 'signal', { get: touched })
  await attack(request)
  expect(touched).not.toHaveBeenCalled()
})
