import { findErrorCode } from '../../core/redaction.ts'
import { redefine } from '../../verifiers/define-verifier.ts'
import type { CheckedVerifier, Verify } from '../../core/endpoint/checked-verifier.ts'
import type { ParsedVerdict } from '../../core/endpoint/verdict.ts'
import type { Transport, TransportInit, TransportResponse } from '../../core/verifier.ts'
import type { ProviderWatch } from '../../yaml/providers/make.ts'

/** One request to a service, and its answer. */
export interface Call {
  readonly method: string
  readonly url: string
  readonly startedAt: number
  status?: number
  /** Until the headers of the answer came, or the call failed. */
  durationMs?: number
  /** A code for why there is no answer. */
  cause?: string
  /** The body, as far as the provider read it. */
  text: string
}

/** A way to check tokens, and what it did. */
export interface Watched {
  readonly key: string
  verifier?: CheckedVerifier
  /** Whether it was asked about the token. */
  isAsked: boolean
  verdict?: ParsedVerdict
  error?: unknown
  calls: Call[]
}

export interface Watch extends ProviderWatch {
  /** In the order of the file. */
  readonly all: () => readonly Watched[]
  /** Secrets that were sent to services. */
  readonly secrets: () => readonly string[]
  /** Forgets what was done, and not who is watched. */
  readonly restart: () => void
}

const PUBLIC_HEADERS = new Set(['accept', 'content-type', 'user-agent', 'x-github-api-version'])

/** Watches what providers ask and decide. The providers do not notice. */
export function createWatch(): Watch {
  const watched = new Map<string, Watched>()
  const sent = new Set<string>()
  const find = (key: string): Watched => {
    const found = watched.get(key) ?? { key, isAsked: false, calls: [] }
    watched.set(key, found)
    return found
  }
  return {
    transport: (key, transport) => watchCalls(transport, find(key), sent),
    verifier: (key, verifier) => watchVerdicts(verifier, find(key)),
    all: () => [...watched.values()],
    secrets: () => [...sent],
    restart: () => {
      for (const [key, { verifier }] of watched) {
        const fresh = { key, isAsked: false, calls: [], verdict: undefined, error: undefined }
        Object.assign(find(key), fresh, { verifier })
      }
    },
  }
}

function watchVerdicts(verifier: CheckedVerifier, watched: Watched): CheckedVerifier {
  watched.verifier = verifier
  const verify: Verify = async (question, signal, run) => {
    watched.isAsked = true
    try {
      return (watched.verdict = await verifier.verify(question, signal, run))
    } catch (error) {
      watched.error = error
      throw error
    }
  }
  return redefine(verifier, { verify })
}

function watchCalls(transport: Transport, watched: Watched, sent: Set<string>): Transport {
  const ask: Transport = async (url, init) => {
    for (const secret of secretsOf(init)) sent.add(secret)
    const call: Call = { method: init.method, url, startedAt: performance.now(), text: '' }
    watched.calls.push(call)
    try {
      const response = await transport(url, init)
      call.status = response.status
      return copyBody(response, call)
    } catch (error) {
      const cause = findErrorCode(error)
      if (cause !== undefined) call.cause = cause
      throw error
    } finally {
      call.durationMs = performance.now() - call.startedAt
    }
  }
  // Without it, decisions could not be shared, which the file may ask for.
  return Object.assign(ask, transport.id === undefined ? {} : { id: transport.id })
}

function copyBody(response: TransportResponse, call: Call): TransportResponse {
  const { status, headers, body, redirected = false } = response
  return { status, headers, redirected, body: body && copyChunks(body, call) }
}

async function* copyChunks(
  body: NonNullable<TransportResponse['body']>,
  call: Call,
): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    call.text += decoder.decode(chunk, { stream: true })
    yield chunk
  }
}

/** Everything that a request may prove itself by. */
function secretsOf({ headers, body = '' }: TransportInit): readonly string[] {
  const given = Object.entries(headers).filter(([name]) => !PUBLIC_HEADERS.has(name.toLowerCase()))
  const words = given.flatMap(([, value]) => [value, ...value.split(' ').slice(1)])
  const passwords = words.flatMap((word) => decodeBasic(word))
  const form = new URLSearchParams(body).get('client_secret') ?? ''
  return [...words, ...passwords, form].filter((text) => text.length >= 4)
}

function decodeBasic(word: string): readonly string[] {
  try {
    const [, password = ''] = atob(word).split(':')
    return [password, decodeURIComponent(password)]
  } catch {
    return []
  }
}
