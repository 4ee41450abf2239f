import { LlamaStackClient } from 'llama-stack-client'
import { OpenAI } from 'openai'

/** The common interface of the published clients of model servers. */
interface ModelClient {
  readonly AuthenticationError: ErrorClass
  readonly InternalServerError: ErrorClass
  /** The client's error message for this body. */
  readonly message: (status: number, error: ErrorBody) => string
  /** Without a key none is sent. */
  readonly connect: (origin: string, options: ClientOptions) => ConnectedClient
}

interface ConnectedClient {
  readonly listModels: () => Promise<string[]>
  readonly ask: (content: string) => Promise<string | undefined>
  readonly askForStream: (content: string) => AsyncIterable<string>
}

interface ClientOptions {
  readonly apiKey?: string
  readonly maxRetries?: number
}

interface ErrorBody {
  readonly message: string
  readonly type: string
  readonly code: string
}

type ErrorClass = new (...args: never) => Error

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string | null } }[]
}

const openai: ModelClient = {
  AuthenticationError: OpenAI.AuthenticationError,
  InternalServerError: OpenAI.InternalServerError,
  message: (status, { message }) => `${status} ${message}`,
  connect: (origin, { apiKey, ...options }) => {
    // The client requires a key; `null` removes the header.
    const key =
      apiKey === undefined
        ? { apiKey: 'unused', defaultHeaders: { Authorization: null } }
        : { apiKey }
    const client = new OpenAI({ baseURL: `${origin}/v1`, ...key, ...options })
    return {
      listModels: async () => (await client.models.list()).data.map(({ id }) => id),
      ask: async (content) => {
        const completion = await client.chat.completions.create(question(content))
        return completion.choices[0]?.message.content ?? undefined
      },
      askForStream: async function* askForStream(content) {
        yield* words(await client.chat.completions.create({ ...question(content), stream: true }))
      },
    }
  },
}

const llamaStack: ModelClient = {
  AuthenticationError: LlamaStackClient.AuthenticationError,
  InternalServerError: LlamaStackClient.InternalServerError,
  message: (status, error) => `${status} ${JSON.stringify({ error })}`,
  connect: (origin, options) => {
    const client = new LlamaStackClient({ baseURL: origin, ...options })
    return {
      listModels: async () => (await client.models.list()).map(({ id }) => id),
      ask: async (content) => {
        const completion = await client.chat.completions.create(question(content))
        const [choice] = 'choices' in completion ? completion.choices : []
        return typeof choice?.message.content === 'string' ? choice.message.content : undefined
      },
      askForStream: async function* askForStream(content) {
        yield* words(await client.chat.completions.create({ ...question(content), stream: true }))
      },
    }
  },
}

export const MODEL_CLIENTS = { openai, 'llama-stack-client': llamaStack }

function question(content: string): {
  model: string
  messages: [{ role: 'user'; content: string }]
} {
  return { model: 'm', messages: [{ role: 'user', content }] }
}

async function* words(chunks: AsyncIterable<Chunk>): AsyncGenerator<string> {
  for await (const { choices } of chunks) {
    const content = choices[0]?.delta.content
    if (typeof content === 'string') yield content
  }
}
