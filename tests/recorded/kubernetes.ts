import { jwt } from '../../src/jwt.ts'
import { kubernetesToken } from '../../src/verifiers.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { at, readRecording } from './recording.ts'
import { startRecordedService } from './service.ts'
import type { Verifier } from '../../src/index.ts'
import type { Decided } from '../support/guarded-verifier.ts'
import type { Case } from './recording.ts'
import type { Answer, Call } from './service.ts'
import type { Kubernetes, Tape } from './recordings.ts'

interface Review {
  readonly spec?: { readonly token: string }
  readonly status?: {
    readonly user?: { readonly username?: string }
    readonly userInfo?: { readonly username?: string }
    readonly error?: string
  }
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/token audiences .* invalid for the target audiences/, 'audience'],
  [/has expired/, 'expired'],
  [/not valid yet/, 'not_yet_valid'],
]
const KEYS = '/openid/v1/jwks'
const KEYS_TYPE = 'application/jwk-set+json'
const MINUTE_MS = 60_000

/** Tokens that kube-apiserver decided about, by a TokenReview, by a SelfSubjectReview and by the cluster's keys. */
export async function replayKubernetes(): Promise<Case[]> {
  const recording = readRecording<Kubernetes>('kubernetes')
  const { recordedAt, cases, rotated, reviewer } = recording
  const server = await startApiServer(recording)
  const { byReview, byItself, byKeys } = verifiersOf(recording, server.port)
  const found = await at(recordedAt, async () => {
    const all: Case[] = []
    for (const { name, token, tapes, decisions } of cases) {
      server.answerWith(tapes)
      const [review, self] = tapes
      all.push(
        {
          of: `${name}, by a TokenReview`,
          recorded: said(decisions[0], token, review, true),
          ours: shown(await decide(byReview, token), true),
        },
        {
          of: `${name}, by itself`,
          recorded: said(decisions[1], token, self),
          ours: shown(await decide(byItself, token)),
        },
        {
          of: `${name}, by the keys`,
          recorded: said(decisions[2], token),
          ours: shown(await decide(byKeys, token)),
        },
      )
    }
    return all
  })
  for (const { name, tape, code, self = false } of answersToAll(recording)) {
    // The keys are asked for with the type that the API server has.
    if (tape.request.path === KEYS) continue
    server.answerWith([tape])
    const verifier = self ? byItself : byReview
    const token = self ? reviewer : (parse(tape.request.body).spec?.token ?? '')
    found.push({ of: name, recorded: code, ours: shown(await decide(verifier, token)) })
  }
  server.rotate()
  const { byKeys: renewed } = verifiersOf(recording, server.port)
  const ours = await at(recordedAt + 2 * MINUTE_MS, () => decide(renewed, rotated.token))
  found.push({ of: 'a new key', recorded: said('in', rotated.token), ours: shown(ours) })
  await server.stop()
  return found
}

/** The answer of the API server to any token. */
function answersToAll({
  cases,
  outages,
  issuerAway,
  anonymous,
}: Kubernetes): Kubernetes['outages'] {
  const request = cases[0]?.tapes[1].request ?? { method: '', path: '', body: '' }
  const tape = { request, answer: anonymous }
  return [
    ...outages,
    { name: 'an issuer that is away', tape: issuerAway.tape, code: issuerAway.code },
    { name: 'a caller that it does not know', tape, code: 'denied', self: true },
  ]
}

async function startApiServer({ jwks, outages, rotated }: Kubernetes) {
  let tapes: readonly Tape[] = []
  let keys = jwks
  const notAcceptable = outages.find(({ tape }) => tape.request.path === KEYS)?.tape.answer ?? {}
  const answerTo = ({ url, text, headers }: Call): Answer => {
    if (url === KEYS) return headers['accept']?.includes(KEYS_TYPE) === true ? keys : notAcceptable
    // Only the recorded question has an answer.
    const asked = tapes.find(({ request }) => request.path === url && request.body === text)
    return asked?.answer ?? { status: 500 }
  }
  const { port, stop } = await startRecordedService(answerTo)
  return {
    port,
    stop,
    answerWith: (next: readonly Tape[]): void => void (tapes = next),
    rotate: (): void => void (keys = { ...jwks, body: rotated.jwks }),
  }
}

function verifiersOf({ issuer, audience, reviewer }: Kubernetes, port: number) {
  const apiServerUrl = `http://127.0.0.1:${port}`
  return {
    byReview: kubernetesToken({ audiences: audience, token: () => reviewer, apiServerUrl }),
    byItself: kubernetesToken({ review: 'self', apiServerUrl }),
    byKeys: jwt({ issuer, audience, jwksUri: `${apiServerUrl}${KEYS}` }),
  }
}

const decide = (verifier: Verifier, token: string): Promise<Decided> =>
  guardWith(verifier, { circuitBreaker: false }).ask(token)

function shown({ outcome, reason, auth, detail }: Decided, hasDetail = false): string {
  if (outcome === 'allow') return `in: ${String(auth?.principal)} until ${String(auth?.expiresAt)}`
  if (reason !== 'denied') return String(reason)
  return hasDetail ? `denied: ${String(detail)}` : 'denied'
}

/** The answer of the API server: who is calling until when, or why the token is bad. */
function said(decision: string, token: string, tape?: Tape, hasDetail = false): string {
  const { status } = parse(tape?.answer.body ?? '{}')
  if (decision === 'denied' && hasDetail) {
    const [, detail = 'unknown_token'] =
      REASONS.find(([pattern]) => pattern.test(status?.error ?? '')) ?? []
    return `denied: ${detail}`
  }
  if (decision !== 'in') return decision
  const { sub, exp } = claimsOf(token)
  const username = status?.user?.username ?? status?.userInfo?.username ?? sub
  return `in: ${String(username)} until ${String(exp === undefined ? undefined : exp * 1000)}`
}

function claimsOf(token: string): { readonly sub?: string; readonly exp?: number } {
  const [, payload] = token.split('.')
  return payload === undefined
    ? {}
    : (JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as object)
}

function parse(text: string): Review {
  return JSON.parse(text) as Review
}
