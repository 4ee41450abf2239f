import { describe, expect, it, vi } from 'vitest'
import { kubernetesToken } from '../../../src/verifiers.ts'
import { OwnToken } from '../../../src/verifiers/kubernetes/own-token.ts'
import {
  ALLOWED,
  guardBy,
  startKubernetes,
  tokenReview,
  UNAUTHORIZED,
} from './kubernetes-service.ts'

const NEVER = new AbortController().signal

function notThere(): never {
  throw Object.assign(new Error('secret'), { code: 'ENOENT' })
}

/** An API server that takes one token of this server. */
function startTaking(isGood: (token: string) => boolean) {
  return startKubernetes(({ headers }) =>
    isGood(headers.authorization?.slice('Bearer '.length) ?? '')
      ? tokenReview(ALLOWED)
      : UNAUTHORIZED,
  )
}

describe('the token of this server', () => {
  it('is read once, and kept', async () => {
    const read = vi.fn(() => 'first\n')
    const { ask } = guardBy(await startTaking((token) => token === 'first'), {
      audiences: 'my-api',
      token: read,
    })
    for (const _ of [1, 2, 3]) expect((await ask()).outcome).toBe('allow')
    expect(read).toHaveBeenCalledOnce()
  })

  it('is read again after a 401, and the question is repeated in the same request', async () => {
    const tokens = ['old', 'new']
    const read = vi.fn(async () => tokens.shift() ?? 'none')
    const kubernetes = await startTaking((token) => token === 'new')
    const { ask } = guardBy(kubernetes, { audiences: 'my-api', token: read })
    expect((await ask()).outcome).toBe('allow')
    expect((await ask()).outcome).toBe('allow')
    expect(read).toHaveBeenCalledTimes(2)
    expect(kubernetes.calls).toHaveLength(3)
  })

  it('that stays bad is read again once a minute, and no caller is denied for it', async () => {
    const read = vi.fn(() => 'bad')
    const kubernetes = await startTaking(() => false)
    const { ask, warnings } = guardBy(kubernetes, { audiences: 'my-api', token: read })
    for (const _ of [1, 2, 3]) {
      expect(await ask()).toMatchObject({ reason: 'service_error', endpointStatus: 401 })
    }
    expect(read).toHaveBeenCalledTimes(2)
    expect(kubernetes.calls).toHaveLength(4)
    expect(warnings()).toEqual([`127.0.0.1:${kubernetes.port} answered 401: check "token"`])
  })

  it('is read again for all who were rejected with the old one', async () => {
    const tokens = ['old', 'new']
    const read = vi.fn(async () => tokens.shift() ?? 'none')
    const { ask } = guardBy(await startTaking((token) => token === 'new'), {
      audiences: 'my-api',
      token: read,
    })
    await ask('warm-up')
    tokens.unshift('newer')
    const decisions = await Promise.all(['a', 'b', 'c', 'd'].map((token) => ask(token)))
    expect(new Set(decisions.map(({ outcome }) => outcome))).toEqual(new Set(['allow']))
  })

  it.each<[string, () => string, string | undefined]>([
    ['cannot be read', notThere, 'ENOENT'],
    ['is empty', () => '\n', 'NO_TOKEN'],
    ['is no token', () => 'two words', 'NO_TOKEN'],
    ['is nothing', () => undefined as unknown as string, 'NO_TOKEN'],
  ])('that %s gives no verdict, and is not sent', async (_what, token, cause) => {
    const kubernetes = await startTaking(() => true)
    const { ask, warnings } = guardBy(kubernetes, { audiences: 'my-api', token })
    expect(await ask()).toMatchObject({ outcome: 'deny', cause })
    expect(kubernetes.calls).toEqual([])
    expect(warnings()).toEqual([
      expect.stringContaining('check "token", and that its file is there'),
    ])
  })

  it('may be read again a minute after the last time', async () => {
    let now = 0
    let count = 0
    const own = new OwnToken(
      () => `token-${(count += 1)}`,
      () => now,
    )
    expect(await own.get(NEVER)).toBe('token-1')
    const both = [own.renew('token-1', NEVER), own.get(NEVER)]
    expect(await Promise.all(both)).toEqual(['token-2', 'token-2'])
    // Rejected with the one before: the kept one is newer.
    expect(await own.renew('token-1', NEVER)).toBe('token-2')
    now = 59_999
    expect(await own.renew('token-2', NEVER)).toBeUndefined()
    now = 60_000
    expect(await own.renew('token-2', NEVER)).toBe('token-3')
  })

  it('is read again when it is a minute old, so that audit logs do not mark it as stale', async () => {
    let now = 0
    let count = 0
    const read = vi.fn(() => `token-${(count += 1)}`)
    const own = new OwnToken(read, () => now)
    expect(await own.get(NEVER)).toBe('token-1')
    now = 59_999
    expect(await own.get(NEVER)).toBe('token-1')
    now = 60_000
    expect(await Promise.all([own.get(NEVER), own.get(NEVER)])).toEqual(['token-2', 'token-2'])
    expect(read).toHaveBeenCalledTimes(2)
    expect(await own.renew('token-2', NEVER)).toBe('token-3')
  })

  it('is kept while it cannot be read again, which is tried every five seconds', async () => {
    let now = 0
    const read = vi.fn(() => 'good')
    const own = new OwnToken(read, () => now)
    await own.get(NEVER)
    read.mockImplementation(() => {
      throw new Error('away')
    })
    now = 60_000
    for (const _ of [1, 2, 3]) expect(await own.get(NEVER)).toBe('good')
    expect(read).toHaveBeenCalledTimes(2)
    read.mockReturnValue('better')
    now = 64_999
    expect(await own.get(NEVER)).toBe('good')
    now = 65_000
    expect(await own.get(NEVER)).toBe('better')
  })

  it('is kept while it is read for long, so that each question has most of its time', async () => {
    vi.useFakeTimers()
    let now = 0
    const read = vi.fn<() => string | Promise<string>>(() => 'good')
    const own = new OwnToken(read, () => now)
    await own.get(NEVER)
    read.mockReturnValue(new Promise(() => undefined))
    now = 60_000
    const both = Promise.all([own.get(NEVER), own.get(NEVER)])
    await vi.advanceTimersByTimeAsync(1000)
    vi.useRealTimers()
    expect(await both).toEqual(['good', 'good'])
  })

  it('is read to the end for the others, if the request ends that reads it first', async () => {
    const found: ((token: string) => void)[] = []
    const own = new OwnToken(
      () => new Promise<string>((resolve) => found.push(resolve)),
      () => 0,
    )
    for (const wait of [
      (signal: AbortSignal) => own.get(signal),
      (signal: AbortSignal) => own.renew('good', signal),
    ]) {
      const first = new AbortController()
      const pending = wait(first.signal)
      const follower = wait(NEVER)
      first.abort()
      const explanation = '"token" gave nothing in time'
      await expect(pending).rejects.toMatchObject({ reason: 'timeout', explanation })
      found.shift()?.('good')
      expect(await follower).toBe('good')
      expect(found).toEqual([])
    }
  })

  it('is read again if a read hangs for ten seconds, whose token then comes too late', async () => {
    let now = 0
    const found: ((token: string) => void)[] = []
    const own = new OwnToken(
      () => new Promise<string>((resolve) => found.push(resolve)),
      () => now,
    )
    const hangs = own.get(NEVER)
    now = 9999
    const alike = own.get(NEVER)
    await Promise.resolve()
    expect(found).toHaveLength(1)
    now = 10_000
    const next = own.get(NEVER)
    await Promise.resolve()
    found[1]?.('new')
    expect(await next).toBe('new')
    found[0]?.('old')
    expect(await Promise.all([hangs, alike])).toEqual(['old', 'old'])
    expect(await own.get(NEVER)).toBe('new')
  })
})

describe('the address of the API server', () => {
  it.each<[string, string, string]>([
    ['10.96.0.1', '443', 'https://10.96.0.1:443'],
    ['fd00::1', '6443', 'https://[fd00::1]:6443'],
    ['10.96.0.1', '', 'https://kubernetes.default.svc'],
    ['', '443', 'https://kubernetes.default.svc'],
    ['a b', 'c', 'https://kubernetes.default.svc'],
  ])('is what the pod is told: %j and %j', (host, port, apiServerUrl) => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', host)
    vi.stubEnv('KUBERNETES_SERVICE_PORT', port)
    const own = kubernetesToken({ review: 'self' })
    expect(own.describe?.()).toMatchObject({ apiServerUrl })
    // It names another API server in each cluster.
    expect(own.id).toBeUndefined()
    const given = { review: 'self', apiServerUrl: 'https://k8s.example' } as const
    expect(kubernetesToken(given).describe?.()).toMatchObject({
      apiServerUrl: 'https://k8s.example',
    })
  })
})

describe('the options', () => {
  const token = (): string => 'secret-of-this-server'

  it('are described, and tell verifiers apart', () => {
    const verifier = kubernetesToken({
      audiences: 'my-api',
      token,
      attributes: { groups: 'roles' },
    })
    expect(verifier.describe?.()).toEqual({
      type: 'kubernetes',
      audiences: ['my-api'],
      token: '[redacted]',
      apiServerUrl: 'https://kubernetes.default.svc',
      attributes: { groups: 'roles' },
      tenant: undefined,
      allowInsecureHttp: false,
    })
    const bySelf = kubernetesToken({ review: 'self' })
    expect(bySelf.describe?.()).toMatchObject({ review: 'self' })
    const ids = [
      { review: 'self', apiServerUrl: 'https://k8s.example' } as const,
      { audiences: 'my-api', token, apiServerUrl: 'https://k8s.example' },
      ...['a', 'b'].map((ca) => {
        const fetch = Object.assign(async () => new Response(), { id: ca })
        return { review: 'self', fetch } as const
      }),
    ].map((options) => kubernetesToken(options).id)
    expect(new Set(ids).size).toBe(4)
    expect(ids[0]).toMatch(/^\["kubernetes",/)
    expect(ids).not.toContain(undefined)
  })
})
