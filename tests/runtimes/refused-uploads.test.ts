import { afterAll, beforeAll, expect, inject, it, onTestFinished } from 'vitest'
import { askStatus, beginRequest, BODY_SERVERS, FRAMINGS } from './support/bodies.ts'
import { readMemory } from './support/server-process.ts'
import { answerAsTold, startAuthEndpoint, tokenFor } from '../support/auth-endpoint.ts'
import type { BodyRequest, Framing } from './support/bodies.ts'
import type { AuthEndpoint } from '../support/auth-endpoint.ts'

const BODY_MB = 200
// One body in memory takes 200 MB. Node reads unused bodies and leaves them to its garbage collector: it grows by up to
// 100 MB without `withAuth` too, and by a different amount each time.
const MOST_MB = 150
const FRAMING_NAMES = Object.keys(FRAMINGS) as Framing[]
// Rejected at once, and after a slow denial while the body came in.
const REFUSED = [null, tokenFor('slow', 300, 401)].flatMap((token) =>
  FRAMING_NAMES.map((framing) => ({ path: '/status', token, framing })),
)

let endpoint: AuthEndpoint
beforeAll(async () => void (endpoint = await startAuthEndpoint(answerAsTold)))
afterAll(() => endpoint.close())

it.each(BODY_SERVERS.map((server) => [server.name, server] as const))(
  '%s rejects uploads of 200 MB before they end, and keeps none in memory',
  { timeout: 120_000 },
  async (name, { start }) => {
    const server = await start(inject('app'), { AUTH_ENDPOINT: endpoint.url })
    onTestFinished(() => server.stop())
    const { url, pid, printed } = server
    // The modules that the first request loads do not count.
    await askStatus(url)
    const before = readMemory(pid)
    const uploads: Upload[] = []
    for (const request of REFUSED) uploads.push(await upload(url, request, BODY_MB))
    expect(await askStatus(url)).toContain('HTTP/1.1 200')
    expect(printed().match(/^HANDLER/gm)).toHaveLength(2)
    expect(readMemory(pid).peak - before.now).toBeLessThan(MOST_MB)
    for (const { status, closed } of uploads) {
      expect(status === undefined && closed ? 401 : status).toBe(401)
    }
    const isEarly = ({ closed, answeredAfterMb = BODY_MB }: Upload): boolean =>
      closed || answeredAfterMb < BODY_MB
    // Bun reads on before it sends its answer, so a quick client sometimes sends a whole body.
    const least = name === 'Bun' ? 1 : REFUSED.length
    expect(uploads.filter(isEarly).length).toBeGreaterThanOrEqual(least)
  },
)

/** The result of an upload. */
interface Upload {
  /** `undefined` if no answer came before the connection was closed or reset. */
  readonly status: number | undefined
  /** The MB sent when the answer came. */
  readonly answeredAfterMb: number | undefined
  /** Whether the server ended the connection. */
  readonly closed: boolean
}

const MEGABYTE = 1024 * 1024
const PART = Buffer.alloc(MEGABYTE, 'x')

/** Sends a body as fast as the socket takes it, even after an answer, until all is sent or the server closes. */
async function upload(
  url: string,
  request: BodyRequest & { readonly framing: Framing },
  megabytes: number,
): Promise<Upload> {
  const connection = await beginRequest(url, { ...request, bytes: megabytes * MEGABYTE })
  const part = FRAMINGS[request.framing].frame(PART)
  const progress = { sentMb: 0, closed: false }
  void connection.closed.then(() => (progress.closed = true))
  const answered = connection.readThrough('\r\n\r\n').then(
    (head) => ({ status: Number(head.split(' ')[1]), answeredAfterMb: progress.sentMb }),
    () => ({ status: undefined, answeredAfterMb: undefined }),
  )
  while (progress.sentMb < megabytes && !progress.closed) {
    await Promise.race([connection.write(part), connection.closed])
    progress.sentMb += 1
  }
  const answer = await answered
  const { closed } = progress
  await connection.leave()
  return { ...answer, closed }
}
