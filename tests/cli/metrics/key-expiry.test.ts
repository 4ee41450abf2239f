import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { followKeyExpiry } from '../../../src/cli/metrics/key-expiry.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { usePassingTime } from '../../support/passing-time.ts'

/** When the next key expires, of those that work and were not rotated. */

const MINUTE_MS = 60_000
const LATER = '2099-01-02T00:00:00Z'
const SOON = '2099-01-01T00:00:00Z'

const pathOf = setupFolder()
const pass = usePassingTime()

/** Writes so many keys, each with what `fieldsOf` adds. */
function writeKeys(count: number, fieldsOf: (index: number) => string): string {
  const entries = Array.from({ length: count }, (_, index) => {
    const sha256 = index.toString(16).padStart(64, '0')
    return `- { id: k${String(index).padStart(4, '0')}, principal: alice, sha256: "${sha256}"${fieldsOf(index)} }\n`
  })
  const file = pathOf('keys.yaml')
  writeFileSync(file, `keys:\n${entries.join('')}`)
  return file
}

const end = (at: string): string => `, expires: ${at}`

describe('the next expiry', () => {
  it.each([
    ['the first page', 999, 0],
    ['a full page', 1000, 999],
    ['the second page', 1001, 1000],
    ['the third page', 2001, 2000],
  ])('is found on %s', async (_where, count, at) => {
    const file = writeKeys(count, (index) => end(index === at ? SOON : LATER))
    const next = followKeyExpiry(file)
    await expect.poll(next).toBe(Date.parse(SOON))
  })

  it('is that of a key which works and was not rotated', async () => {
    const more = [
      `${end(SOON)}, revoked: 2026-01-01T00:00:00Z`,
      end('2026-01-01T00:00:00Z'),
      `${end(SOON)}, successor: k0003`,
      end(LATER),
      '',
    ]
    const next = followKeyExpiry(writeKeys(5, (index) => more[index] ?? ''))
    await expect.poll(next).toBe(Date.parse(LATER))
  })

  it('is read again after ten minutes, and unknown if no key expires', async () => {
    const file = writeKeys(1, () => end(LATER))
    const next = followKeyExpiry(file)
    await expect.poll(next).toBe(Date.parse(LATER))
    writeKeys(1, () => end(SOON))
    pass(10 * MINUTE_MS - 1000)
    // A read would have ended by then.
    for (let turn = 0; turn < 20; turn += 1) {
      expect(next()).toBe(Date.parse(LATER))
      await new Promise(setImmediate)
    }
    pass(1000)
    await expect.poll(next).toBe(Date.parse(SOON))
    writeKeys(1, () => '')
    pass(10 * MINUTE_MS)
    await expect.poll(next).toBeUndefined()
  })
})
