import { expect, it } from 'vitest'
import { readRejection } from '../../src/node/rejection.ts'

it('reads the status, the headers and the body, without what frames the body', async () => {
  const headers = new Headers({ 'content-length': '99', 'transfer-encoding': 'chunked' })
  headers.set('www-authenticate', 'Bearer realm="api"')
  headers.append('set-cookie', 'a=1')
  headers.append('set-cookie', 'b=2')
  const rejection = await readRejection(new Response('né', { status: 401, headers }))
  expect(rejection).toEqual({
    status: 401,
    headers: {
      'content-type': 'text/plain;charset=UTF-8',
      'www-authenticate': 'Bearer realm="api"',
      'set-cookie': ['a=1', 'b=2'],
    },
    body: Buffer.from('né'),
  })
})

it('has an empty body if that of `respond` breaks off or does not end', async () => {
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) })
  const endless = new ReadableStream({ pull: () => undefined })
  for (const body of [broken, endless]) {
    const rejection = await readRejection(new Response(body, { status: 403 }), 50)
    expect(rejection).toMatchObject({ status: 403, body: Buffer.alloc(0) })
  }
})

it('leaves out fields that Node does not send, which would end the process', async () => {
  const headers = new Headers({
    trailer: 'a',
    'keep-alive': 'timeout=5',
    'x-a': 'a\u0001b',
    'x-b': 'é',
  })
  const rejection = await readRejection(new Response(null, { status: 401, headers }))
  expect(rejection.headers).toEqual({ 'x-b': 'é' })
})
