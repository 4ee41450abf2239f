import { once } from 'node:events'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { EventEmitter } from 'node:events'

export const WORDS = ['one', 'two', 'three'] as const

/** The steps of a streaming server and its client, in order. */
type StreamLog = string[]

/**
 * The two routes of a model server that every client calls: the list of models, and a chat that echoes its question. A
 * stream continues only after `client` logged `received`, so it ends only if no chunk is buffered.
 */
export function createModelApi(client: EventEmitter, log: StreamLog): Hono {
  const api = new Hono()
  api.get('/v1/models', (c) => c.json({ object: 'list', data: [{ id: 'm', object: 'model' }] }))
  api.post('/v1/chat/completions', async (c) => {
    const question = await c.req.json<{ stream?: boolean; messages: { content: string }[] }>()
    if (question.stream !== true) return c.json(completion(question.messages[0]?.content))
    return streamSSE(c, async (stream) => {
      for (const word of WORDS) {
        const received = once(client, 'received')
        log.push(`sent ${word}`)
        await stream.writeSSE({ data: JSON.stringify(chunk(word)) })
        await received
      }
      await stream.writeSSE({ data: '[DONE]' })
    })
  })
  return api
}

function completion(content: string | undefined): object {
  const message = { role: 'assistant', content }
  return { id: 'c', object: 'chat.completion', choices: [{ index: 0, message }] }
}

function chunk(content: string): object {
  return { id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] }
}
