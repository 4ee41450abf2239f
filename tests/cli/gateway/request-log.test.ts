import { afterEach, expect, it, vi } from 'vitest'
import { createRequestLog } from '../../../src/cli/gateway/request-log.ts'
import { withAuth } from '../../../src/index.ts'
import { define } from '../../../src/verifiers/define-verifier.ts'
import { get } from '../../support/requests.ts'
import type { AuthConfig, Verdict } from '../../../src/index.ts'

afterEach(() => void vi.useRealTimers())

/** The lines and the watched decisions of one request, behind a guard in shadow mode that asks the keys. */
async function follow(verdict: Verdict, upstream: () => Response) {
  const [written, watched] = [vi.fn(), vi.fn()]
  const log = createRequestLog({
    log: (entry) => void (entry.type === 'decision' && written(entry)),
    watch: watched,
    addressOf: () => '192.0.2.7',
    requestIdHeader: undefined,
    logsPrincipal: true,
  })
  const verifier = define({ ask: () => verdict, label: 'api_keys', reads: {} })
  const { onEvent } = log
  const config: AuthConfig = { verifier, onEvent, mode: 'shadow', unavailableStatus: 503 }
  const forward = log.follow(() => Promise.resolve(upstream()))
  const response = await withAuth(async (request: Request) => {
    const answered = await forward(request)
    log.answered(request, answered.status)
    return answered
  }, config)(get('/', 'k1'))
  return { response, log, written, watched }
}

it('measures how long the upstream took, also for an allow that has no claims', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  vi.advanceTimersByTime(1000)
  const { written, watched } = await follow({ outcome: 'allow', principal: 'alice' }, () => {
    vi.advanceTimersByTime(12)
    return new Response(null, { status: 204 })
  })
  const seen = { outcome: 'allow', principal: 'alice', status: 204 }
  const upstream = { upstreamStatus: 204, upstreamMs: 12 }
  expect(written.mock.calls).toMatchObject([[{ ...seen, ...upstream }]])
  expect(watched.mock.calls).toMatchObject([[{ ...seen, keyId: undefined }]])
})

it('writes what shadow mode lets through, and a decision without a request at once', async () => {
  const { response, log, written, watched } = await follow(
    { outcome: 'deny' },
    () => new Response(),
  )
  expect(response.status).toBe(200)
  const [[line]] = written.mock.calls as [[Parameters<typeof log.onEvent>[0]]]
  expect(line).toMatchObject({ outcome: 'deny', shadow: true, status: 200 })
  expect(watched).toHaveBeenCalledOnce()
  log.onEvent(line)
  expect(written).toHaveBeenLastCalledWith(line)
})
