import { EventEmitter, once } from 'node:events'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { LlamaStackClient } from 'llama-stack-client'
import { OpenAI } from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { auth } from '../src/hono.ts'
import { withAuth } from '../src/index.ts'
import { startEndpointWithKeys } from './support/auth-endpoint.ts'
import { close, findFreePort, listen } from './support/loopback.ts'
import { TOKEN } from './support/token.ts'
import type { Server } from 'node:http'
import type { AuthConfig } from '../src/index.ts'
import type { EndpointWithKeys } from './support/auth-endpoint.ts'

const GOOD_KEY = `sk-${TOKEN}`

const WORDS = ['one', 'two', 'three']

const reader = new EventEmitter()
const log: string[] = []

/**
 * The two routes of a model server that every client calls: the list of models, and a chat that echoes its question. A
 * stream goes on only after the reader has the last chunk, so it ends only if none is buffered.
 */
function createModelApi(): Hono {
  const api = new Hono()
  api.get('/v1/models', (c) => c.json({ object: 'list', data: [{ id: 'm', object: 'model' }] }))
  api.post('/v1/chat/completions', async (c) => {
    const asked = await c.req.json<{ stream?: boolean; messages: { content: string }[] }>()
    if (asked.stream !== true) {
      const message = { role: 'assistant', content: asked.messages[0]?.content }
      return c.json({ id: 'c', object: 'chat.completion', choices: [{ index: 0, message }] })
    }
    return streamSSE(c, async (stream) => {
      for (const content of WORDS) {
        const received = once(reader, 'received')
        log.push(`sent ${content}`)
        const choices = [{ index: 0, delta: { content } }]
        const chunk = { id: 'c', object: 'chat.completion.chunk', choices }
        await stream.writeSSE({ data: JSON.stringify(chunk) })
        await received
      }
      await stream.writeSSE({ data: '[DONE]' })
    })
  })
  return api
}

interface ClientOptions {
  /** Without a key none is sent. */
  readonly apiKey?: string
  readonly maxRetries?: number
}

type ErrorBody = Readonly<Record<'message' | 'type' | 'code', string>>

function question(content: string) {
  return { model: 'm', messages: [{ role: 'user' as const, content }] }
}

/** The published clients of model servers. `message` is the message of their error for a body. */
const MODEL_CLIENTS = {
  openai: {
    AuthenticationError: OpenAI.AuthenticationError,
    InternalServerError: OpenAI.InternalServerError,
    message: (status: number, { message }: ErrorBody) => `${status} ${message}`,
    connect: (origin: string, { apiKey, ...options }: ClientOptions) => {
      // The client requires a key; `null` removes the header.
      const unused = { apiKey: 'unused', defaultHeaders: { Authorization: null } }
      const key = apiKey === undefined ? unused : { apiKey }
      const client = new OpenAI({ baseURL: `${origin}/v1`, ...key, ...options })
      const { completions } = client.chat
      return {
        models: async () => (await client.models.list()).data,
        ask: async (content: string) => completions.create(question(content)),
        stream: async (content: string) =>
          completions.create({ ...question(content), stream: true }),
      }
    },
  },
  'llama-stack-client': {
    AuthenticationError: LlamaStackClient.AuthenticationError,
    InternalServerError: LlamaStackClient.InternalServerError,
    message: (status: number, error: ErrorBody) => `${status} ${JSON.stringify({ error })}`,
    connect: (origin: string, options: ClientOptions) => {
      const client = new LlamaStackClient({ baseURL: origin, ...options })
      const { completions } = client.chat
      return {
        models: async () => client.models.list(),
        ask: async (content: string) => completions.create(question(content)),
        stream: async (content: string) =>
          completions.create({ ...question(content), stream: true }),
      }
    },
  },
}

const GUARDS = {
  withAuth: (api: Hono, config: AuthConfig) => withAuth(api, config),
  'the Hono middleware': (api: Hono, config: AuthConfig) =>
    new Hono().use(auth(config)).route('/', api),
}

const CASES = Object.entries(GUARDS).flatMap(([guardName, guard]) =>
  Object.entries(MODEL_CLIENTS).map(([clientName, client]) => ({
    clientName,
    guardName,
    guard,
    client,
  })),
)

let endpoint: EndpointWithKeys
let server: Server | undefined
let requests = 0

/** The URL of an endpoint that does not run. */
const unreachable = async (): Promise<string> => `http://127.0.0.1:${await findFreePort()}`

beforeAll(async () => {
  endpoint = await startEndpointWithKeys({ [GOOD_KEY]: 'alice' })
})
beforeEach(() => {
  // The clients also read keys and URLs from the environment.
  for (const name of ['OPENAI', 'LLAMA_STACK_CLIENT']) {
    vi.stubEnv(`${name}_API_KEY`, undefined)
    vi.stubEnv(`${name}_BASE_URL`, undefined)
  }
  log.length = 0
  endpoint.asked.length = 0
  requests = 0
})
afterEach(async () => {
  if (server !== undefined) await close(server)
})
afterAll(() => endpoint.close())

const SLOW = { tags: ['slow'] }

describe.each(CASES)('behind $guardName, $clientName', ({ guard, client }) => {
  /** Serves the model API behind the wrapper, on a real socket. */
  async function serve(config: AuthConfig): Promise<string> {
    const guarded = guard(createModelApi(), config)
    server = createAdaptorServer({
      fetch: (request, env) => {
        requests += 1
        return guarded.fetch(request, env)
      },
    }) as Server
    return `http://127.0.0.1:${await listen(server)}`
  }

  it('raises AuthenticationError with a readable message for a wrong key', async () => {
    const origin = await serve({ endpoint: endpoint.url })
    const error = await failure(client.connect(origin, { apiKey: 'sk-wrong' }).models())
    const body = { message: 'Authentication failed', type: 'authentication_error', code: 'denied' }
    expect(error).toBeInstanceOf(client.AuthenticationError)
    expect(error).toMatchObject({ status: 401, message: client.message(401, body) })
    expect(endpoint.asked).toEqual(['sk-wrong'])
    expect(requests).toBe(1)
  })

  it('raises AuthenticationError without a key, and the endpoint is not asked', async () => {
    const origin = await serve({ endpoint: endpoint.url })
    const error = await failure(client.connect(origin, {}).models())
    expect(error).toBeInstanceOf(client.AuthenticationError)
    expect(error).toMatchObject({
      status: 401,
      message: expect.stringContaining('Missing or invalid Authorization header'),
    })
    expect(endpoint.asked).toEqual([])
  })

  it('lists models and completes a chat with a good key', async () => {
    const origin = await serve({ endpoint: endpoint.url })
    const connected = client.connect(origin, { apiKey: GOOD_KEY })
    expect(await connected.models()).toEqual([expect.objectContaining({ id: 'm' })])
    const message = expect.objectContaining({ content: 'Say it again' })
    expect(await connected.ask('Say it again')).toMatchObject({ choices: [{ message }] })
    expect(endpoint.asked).toEqual([GOOD_KEY, GOOD_KEY])
  })

  it('receives each chunk of a stream before the server makes the next one', async () => {
    const origin = await serve({ endpoint: endpoint.url })
    for await (const chunk of await client.connect(origin, { apiKey: GOOD_KEY }).stream('Go on')) {
      log.push(`received ${chunk.choices[0]?.delta.content}`)
      reader.emit('received')
    }
    expect(log).toEqual(WORDS.flatMap((word) => [`sent ${word}`, `received ${word}`]))
  })

  it('does not retry the 401 of an outage', async () => {
    const origin = await serve({ endpoint: await unreachable() })
    const error = await failure(client.connect(origin, { apiKey: GOOD_KEY }).models())
    expect(error).toBeInstanceOf(client.AuthenticationError)
    expect(error).toMatchObject({
      status: 401,
      message: expect.stringContaining('Authentication service error'),
    })
    expect(requests).toBe(1)
  })

  it('retries the 503 of an outage, and then raises InternalServerError', SLOW, async () => {
    const origin = await serve({ endpoint: await unreachable(), unavailableStatus: 503 })
    const connected = client.connect(origin, { apiKey: GOOD_KEY, maxRetries: 1 })
    const error = await failure(connected.models())
    const message = 'Authentication service unavailable'
    const body = { message, type: 'api_error', code: 'unreachable' }
    expect(error).toBeInstanceOf(client.InternalServerError)
    expect(error).toMatchObject({ status: 503, message: client.message(503, body) })
    expect(requests).toBe(2)
  })
})

it('the error of the openai client has the type and the code of the rejection as fields', async () => {
  const guarded = withAuth(() => new Response(), { endpoint: endpoint.url })
  server = createAdaptorServer({ fetch: guarded }) as Server
  const origin = `http://127.0.0.1:${await listen(server)}`
  const client = MODEL_CLIENTS.openai.connect(origin, { apiKey: 'sk-wrong' })
  expect(await failure(client.models())).toMatchObject({
    message: '401 Authentication failed',
    type: 'authentication_error',
    code: 'denied',
  })
})

async function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => expect.fail('the call succeeded'),
    (error: unknown) => error,
  )
}
