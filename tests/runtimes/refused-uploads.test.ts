import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { askStatus, beginRequest, FRAMINGS } from './support/body-requests.ts'
import { BODY_SERVERS } from './support/body-servers.ts'
import { readMemory } from './support/process-memory.ts'
import { startToldEndpoint, tokenFor } from './support/told-endpoint.ts'
import type { BodyRequest, Framing } from './support/body-requests.ts'
import type { BodyServer } from './support/body-servers.ts'
import type { ToldEndpoint } from './support/told-endpoint.ts'

interface Refusals {
  readonly uploads: readonly Upload[]
  /** The answer to an allowed request after all uploads. */
  readonly next: string
  readonly grownMb: number
}

const BODY_MB = 200
// One body in memory takes 200 MB. Node reads unused bodies and leaves them to its garbage collector: it grows by up to
// 100 MB without `withAuth` too, and by a different amount each time.
const MOST_MB = 150
const TIMEOUT_MS = 120_000
const FRAMING_NAMES = Object.keys(FRAMINGS) as Framing[]
// Rejected at once, and after a slow denial while the body came in.
const REFUSED = [null, tokenFor('slow', 300, 401)].flatMap((token) =>
  FRAMING_NAMES.map((framing) => ({ path: '/status', token, framing })),
)

let endpoint: ToldEndpoint
const measured: string[] = []
beforeAll(async () => void (endpoint = await startToldEndpoint()))
afterAll(async () => {
  await endpoint.close()
  console.log([`Memory for 4 refused uploads of ${BODY_MB} MB each:`, ...measured].join('\n'))
})

it.each(BODY_SERVERS.map((server) => [server.name, server] as const))(
  '%s rejects uploads of 200 MB before they end, and keeps none in memory',
  { timeout: TIMEOUT_MS },
  async (name, server) => {
    const ours = await refuseUploads(server)
    measured.push(`${name}: ${ours.grownMb} MB`)
    measured.push(...ours.uploads.map((result) => `  ${JSON.stringify(result)}`))
    for (const { status, closed } of ours.uploads) {
      expect(status === undefined && closed ? 401 : status).toBe(401)
    }
    // Bun reads on before it sends its answer, so a quick client sometimes sends a whole body.
    const isEarly = ({ closed, answeredAfterMb = BODY_MB }: Upload): boolean =>
      closed || answeredAfterMb < BODY_MB
    const early = ours.uploads.filter(isEarly)
    expect(early.length).toBeGreaterThanOrEqual(name === 'Bun' ? 1 : REFUSED.length)
    expect(ours.uploads).toHaveLength(REFUSED.length)
    expect(ours.next).toContain('HTTP/1.1 200')
    expect(ours.grownMb).toBeLessThan(MOST_MB)
  },
)

async function refuseUploads(server: BodyServer): Promise<Refusals> {
  const { url, pid, printed, stop } = await server.start(inject('app'), {
    AUTH_ENDPOINT: endpoint.url,
  })
  try {
    // The modules that the first request loads do not count.
    await askStatus(url)
    const before = readMemory(pid)
    const uploads: Upload[] = []
    for (const request of REFUSED)
      uploads.push(await upload(url, { ...request, guard: 'ours' }, BODY_MB))
    const next = await askStatus(url)
    expect(printed().match(/^HANDLER/gm)).toHaveLength(2)
    return { uploads, next, grownMb: readMemory(pid).peak - before.now }
  } finally {
    await stop()
  }
}

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
