import { getAuth, withAuth } from '../../src/index.ts'
import { parseConfig } from '../../src/yaml.ts'
import { sendRaw } from '../support/raw-client.ts'
import { readRecording } from './recording.ts'
import { pause, SHORTENED, startRecordedService } from './service.ts'
import type { Auth } from '../../src/index.ts'
import type { Case, Serve } from './recording.ts'
import type { Answer } from './service.ts'

export interface Exchange {
  readonly group: string
  readonly name: string
  /** The request on the socket. Each character is a byte. */
  readonly bytes: string
  readonly answer: Answer
  readonly real: {
    readonly status: number
    readonly asked: number
    /** The question to the endpoint, unless it is the usual one. */
    readonly question?: Question
    readonly app?: Identity
  }
}

interface Question {
  readonly api_key: string
  readonly request: {
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly params: Readonly<Record<string, string | readonly string[]>>
  }
}

interface Identity {
  readonly principal: string | null
  readonly attributes: Auth['attributes'] | null
}

const ENDPOINT = 'https://auth.example.com/validate'
const FILE = `
server:
  auth:
    provider_config: { type: custom, endpoint: ${ENDPOINT} }
    public: [/v1/health, /v1/version]
`
const USUAL: Question = {
  api_key: 'good-token-0123456789',
  request: { path: '/v1/models', headers: { host: 'h.test', connection: 'close' }, params: {} },
}
const LATE_MS = 5000
const STATUS = /^(?:HTTP\/1\.1 100 [^]*?\r\n\r\n)?HTTP\/1\.1 (\d{3})/

/**
 * The requests on a socket that Llama Stack decided, with the same endpoint behind our wrapper.
 *
 * @param file What configures the wrapper. It names {@link ENDPOINT}.
 * @param picks Says which requests are replayed.
 */
export async function replayExchange(
  serve: Serve,
  file = FILE,
  picks: (name: string, index: number) => boolean = () => true,
): Promise<Case[]> {
  const { exchange } = readRecording<{ exchange: readonly Exchange[] }>('llama-stack')
  let answer: Answer = {}
  let questions: Question[] = []
  let seen: Identity | undefined
  const service = await startRecordedService(({ text }) => {
    questions.push(JSON.parse(text) as Question)
    return answer
  })
  const endpoint = `http://127.0.0.1:${service.port}/validate`
  const app = (request: Request): Response => {
    seen = identityOf(request)
    return new Response()
  }
  const port = await serve(
    withAuth(app, {
      ...parseConfig(file.replace(ENDPOINT, endpoint)),
      timeoutMs: 10_000 / SHORTENED,
      retry: false,
      circuitBreaker: false,
      onEvent: () => undefined,
    }),
  )
  const cases: Case[] = []
  const some = exchange.filter(({ group, name }, index) => picks(`${group}: ${name}`, index))
  for (const { group, name, bytes, answer: given, real } of some) {
    answer = given
    questions = []
    seen = undefined
    const status = Number(STATUS.exec(await sendRaw(port, bytes))?.[1])
    // Bun answers 400 to the trailer while it still asks about the rest.
    const lateMs = status === 400 && bytes.includes('\r\nTrailer: ') ? LATE_MS : 0
    for (let ms = 0; questions.length === 0 && ms < lateMs; ms += 10) await pause(10)
    const question = real.asked === 0 ? undefined : (real.question ?? USUAL)
    const recorded = facts(real.status, real.app, question)
    const ours = facts(status, seen, questions[0])
    cases.push(...compare(`${group}: ${name}`, recorded, ours))
  }
  await service.stop()
  return cases
}

function identityOf(request: Request): Identity {
  try {
    const { principal = null, attributes } = getAuth(request)
    return { principal, attributes }
  } catch {
    return { principal: null, attributes: null }
  }
}

/** The decision, what the endpoint was told, and who the app behind it saw. */
type Facts = Readonly<Record<string, string>> & { readonly decision: string }

/** The statuses and messages of rejections differ between versions of the server. */
function facts(status: number, seen: Identity | undefined, question: Question | undefined): Facts {
  if (status !== 200) return { decision: 'rejected' }
  if (question === undefined) return { decision: 'open' }
  const { api_key: token, request } = question
  const { authorization: _, ...headers } = request.headers
  const params = Object.entries(request.params).map(([name, value]) => [name, [value].flat()])
  return {
    decision: 'allowed',
    token,
    path: request.path,
    headers: sorted(headers),
    params: sorted(Object.fromEntries(params)),
    ...(seen && { principal: String(seen.principal), attributes: sorted(seen.attributes ?? {}) }),
  }
}

/** One case for the decision, and one for each fact about a request that both let in. */
function compare(of: string, recorded: Facts, ours: Facts): Case[] {
  const names = Object.keys(recorded).filter((name) => name === 'decision' || name in ours)
  return names.map((name) => ({
    of: `${name}, ${of}`,
    recorded: recorded[name] ?? '',
    ours: ours[name] ?? '',
  }))
}

function sorted(record: object): string {
  const entries = Object.entries(record)
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(Object.fromEntries(entries))
}
