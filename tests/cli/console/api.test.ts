import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createApi } from '../../../src/cli/console/api.ts'
import { SignIn } from '../../../src/cli/console/sign-in.ts'
import { createKey, listKeys } from '../../../src/keys.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { Announce } from '../../../src/cli/announcement.ts'

/** The console and the store that tells other machines of an ended key: the page reads whether it did. */

const inFolder = setupFolder()
const announce = vi.fn<Announce>()
let id: string
beforeEach(async () => {
  ;({ id } = await createKey(inFolder('keys.yaml'), { principal: 'alice' }))
  announce.mockReset()
})

async function post(change: 'rotate' | 'revoke'): Promise<{ status: number; body: object }> {
  const api = createApi({
    keys: { place: inFolder('keys.yaml'), name: 'env:KEYS_URL' },
    signIn: new SignIn(),
    prepareAnnouncement: async () => announce,
    revocation: { acceptedForMs: 5000, text: 'for five seconds' },
    watch: undefined,
  })
  const answer = await api.request(`/api/keys/${id}/${change}`, { method: 'POST', body: '{}' })
  return { status: answer.status, body: (await answer.json()) as object }
}

it.each([
  ['rotate', 'replaced'],
  ['revoke', 'revoked'],
] as const)('%s tells the store of the key that is %s', async (change, done) => {
  await post(change)
  const told = expect.objectContaining({ id, sha256: expect.any(String) }) as never
  expect(announce.mock.calls).toEqual([[[told], `${id} is ${done} in env:KEYS_URL`]])
})

describe('a store that does not acknowledge', () => {
  const message = 'The store has not acknowledged the revocation'
  beforeEach(() => {
    announce.mockRejectedValue(new Error(message))
  })

  it('leaves a revoked key revoked, and the page says what is missing', async () => {
    expect(await post('revoke')).toEqual({ status: 500, body: { error: { message } } })
    expect(await listKeys(inFolder('keys.yaml'))).toMatchObject([{ status: 'revoked' }])
  })

  it('does not keep the new key of a rotation from the page', async () => {
    const key = expect.stringMatching(/^withauth_/) as string
    expect(await post('rotate')).toMatchObject({ status: 201, body: { key, advice: message } })
  })
})
