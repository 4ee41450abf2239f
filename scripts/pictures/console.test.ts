import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { endpointCommand } from '../../src/cli/commands/endpoint.ts'
import { createKey, revokeKey } from '../../src/keys.ts'
import { ask } from '../../tests/support/key-questions.ts'
import { ROOT } from '../../tests/support/project.ts'
import { serveCommand } from '../../tests/support/served-command.ts'
import { CHROMIUM_MISSING, ConsolePage } from '../../tests/cli/console/console-page.ts'
import type { NewKey } from '../../src/keys.ts'

/** Writes the pictures of docs/console.md, with a console that runs. */

const DAY_MS = 86_400_000
const MOST_BYTES = 150_000

const KEYS: readonly (NewKey & { readonly perDay: number })[] = [
  { principal: 'alice', name: "Alice's laptop", expiresIn: '9d', perDay: 40 },
  { principal: 'ci', name: 'CI of the shop', attributes: { roles: ['deploy'] }, perDay: 300 },
  { principal: 'billing', name: 'Nightly report', paths: ['/v1/reports'], perDay: 2 },
  { principal: 'bob', name: 'Trial', tenant: 'acme', expiresIn: '90d', perDay: 0 },
]

if (CHROMIUM_MISSING !== undefined) throw new Error(CHROMIUM_MISSING)
const on = new ConsolePage()

/** Returns the number of bytes. */
async function take(name: string, fullPage: boolean): Promise<number> {
  const file = join(ROOT, `docs/pictures/${name}.png`)
  await on.page.locator('#place').evaluate((place) => (place.textContent = 'keys.yaml'))
  const picture = await on.page.screenshot({ fullPage })
  writeFileSync(file, picture)
  return picture.byteLength
}

it('the pictures show the keys and the decisions, and a new key on a phone', async () => {
  await revokeKey(on.file(), on.alice.id)
  const uses: object[] = []
  const keys: string[] = []
  for (const { perDay, ...key } of KEYS) {
    const { id, key: secret } = await createKey(on.file(), key)
    keys.push(secret)
    for (let age = 0; age < (perDay === 0 ? 0 : 30); age += 1) {
      const lastUsed = new Date(Date.now() - age * DAY_MS).toISOString().replace(/\.\d+/, '')
      const checks = Math.round(perDay * (1 + Math.sin(age / 2) / 2))
      uses.push({ id, day: lastUsed.slice(0, 10), checks, lastUsed })
    }
  }
  writeFileSync(`${on.file()}.usage`, JSON.stringify({ uses, merged: [] }))
  const args = ['--keys', on.file(), '--watch-socket', on.watched()]
  const url = await serveCommand(endpointCommand, args).listening()
  await on.page.setViewportSize({ width: 1120, height: 400 })
  await on.open()
  await on.page.getByText('Watching the endpoint.').waitFor()
  const [alice = '', ci = '', billing = ''] = keys
  const asked = [
    [alice, '/v1/models'],
    [ci, '/v1/deployments'],
    [billing, '/v1/models'],
    [on.alice.key, '/v1/chat'],
  ]
  for (const [key = '', path = ''] of asked) {
    await fetch(url, { method: 'POST', body: await ask(key, path).text() })
  }
  await on.page.getByText('/v1/chat').waitFor()
  expect(await take('console', true)).toBeLessThan(MOST_BYTES)
  await on.page.emulateMedia({ colorScheme: 'dark' })
  await on.page.setViewportSize({ width: 390, height: 640 })
  await on.page.getByRole('searchbox').fill('carol')
  await on.press('New key')
  await on.write(/^Principal/, 'carol')
  await on.press('Create')
  await on.dialog.getByText('Copy the key now').waitFor()
  expect(await take('console-phone', false)).toBeLessThan(MOST_BYTES)
})
