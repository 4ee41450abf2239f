import { FRAMINGS, beginRequest } from './body-requests.ts'
import type { BodyRequest, Framing } from './body-requests.ts'

/** The result of an upload. */
export interface Upload {
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
export async function upload(
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
