import { rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { memoryCache, withAuth } from '../../../src/index.ts'
import { keys } from '../../../src/keys.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { get } from '../../support/requests.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

const pathOf = setupFolder()
const ONE = keysText(entry('k1'))
const REVOKED = keysText(entry('k1', { revoked: true }))
const cache = (): ReturnType<typeof memoryCache> =>
  memoryCache({ allowTtlMs: 60_000, staleIfErrorMs: 60_000 })

function write(text: string): string {
  writeFileSync(pathOf('keys.yaml'), text)
  return pathOf('keys.yaml')
}

describe('a file that changes, behind the verifier,', () => {
  it('ends a revoked key with the next request, also behind a cache', async () => {
    const verifier = keys({ file: write(ONE) })
    const { ask } = guardWith(verifier, { cache: cache() })
    for (let times = 0; times < 3; times += 1) {
      expect(await ask('k1')).toMatchObject({ outcome: 'allow', cache: 'skipped' })
    }
    write(REVOKED)
    expect(await ask('k1')).toMatchObject({ reason: 'denied', detail: 'revoked' })
    write(ONE)
    expect((await ask('k1')).outcome).toBe('allow')
    expect(verifier).toMatchObject({ local: true, warnings: [], consumes: [] })
  })

  it('ends it for requests that came at once, in two guards with one cache', async () => {
    const verifier = keys({ file: write(ONE) })
    const shared = cache()
    const guards = [{}, { identity: 'required' } as const].map((config) =>
      withAuth(() => new Response('hello'), { verifier, cache: shared, ...config }),
    )
    const statuses = async (): Promise<number[]> => {
      const asked = [...guards, ...guards, ...guards].map(async (guard) => guard(get('/', 'k1')))
      return (await Promise.all(asked)).map(({ status }) => status)
    }
    expect(new Set(await statuses())).toEqual(new Set([200]))
    write(REVOKED)
    expect(new Set(await statuses())).toEqual(new Set([401]))
  })

  it.each<[string, (file: string) => void, RegExp]>([
    ['broken', () => write('keys: ['), /^keys\.yaml:1:8: Invalid YAML/],
    ['truncated', (file) => truncateSync(file, ONE.length - 12), /^keys\.yaml:2:\d+: /],
    ['empty', (file) => truncateSync(file, 0), /^keys\.yaml:1:1: The list "keys" is missing/],
    [
      'too long',
      (file) => truncateSync(file, 5_000_000),
      /^Cannot read keys\.yaml: it is longer than/,
    ],
    ['removed', (file) => unlinkSync(file), /^There is no file keys\.yaml$/],
    [
      'replaced by a link to nothing',
      (file) => {
        unlinkSync(file)
        symlinkSync(pathOf('nothing'), file)
      },
      /^Cannot read keys\.yaml: it is a symbolic link to a file that does not exist$/,
    ],
  ])(
    'is an outage while it is %s, says so once, and then lets no revoked key in',
    async (_, spoil, message) => {
      const file = write(keysText(entry('k1'), entry('k2')))
      const { ask, warnings } = guardWith(keys({ file }), { cache: cache() })
      const shorten = (text: string): string => text.replaceAll(file, 'keys.yaml')
      expect((await ask('k1')).outcome).toBe('allow')
      spoil(file)
      for (const token of ['k1', 'k2', 'nobody', 'k1']) {
        const decided = await ask(token)
        expect(decided).toMatchObject({ outcome: 'deny', reason: 'service_error', attempts: 1 })
        expect(decided.detail).toBeUndefined()
        expect(shorten(decided.cause ?? '')).toMatch(message)
      }
      expect(warnings().map(shorten)).toEqual([
        expect.stringMatching(new RegExp(`^requests are rejected: ${message.source.slice(1)}`)),
      ])
      rmSync(file, { recursive: true, force: true })
      write(keysText(entry('k1', { revoked: true }), entry('k2')))
      expect((await ask('k1')).detail).toBe('revoked')
      expect((await ask('k2')).outcome).toBe('allow')
      write('keys: 7')
      expect((await ask('k1')).reason).toBe('service_error')
      expect(warnings()).toHaveLength(2)
    },
  )
})
