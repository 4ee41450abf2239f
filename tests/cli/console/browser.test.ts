/** @module-tag slow */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { createKey, listKeys, revokeKey } from '../../../src/keys.ts'
import { endpointCommand } from '../../../src/cli/commands/endpoint.ts'
import { createFeed } from '../../../src/cli/watch/feed.ts'
import { ask as questionOf } from '../../support/key-questions.ts'
import { serveCommand } from '../../support/served-command.ts'
import { CHROMIUM_MISSING, ConsolePage } from './console-page.ts'

/** What a person does on the page of `with-auth console` in Chromium, and what values do to it. */

const DAY_MS = 86_400_000
const HOSTILE = `<img src=x onerror="alert(1)">'"&lt;\u202e{{7*7}}`

describe.skipIf(CHROMIUM_MISSING !== undefined)('the page of the console', () => {
  const on = new ConsolePage()

  describe('a key', () => {
    it('is created, shown once and copied, by keyboard alone', async () => {
      await on.context.grantPermissions(['clipboard-read', 'clipboard-write'])
      await on.open()
      await on.page.getByRole('button', { name: 'New key' }).focus()
      const { keyboard } = on.page
      await keyboard.press('Enter')
      await keyboard.type('bob')
      await keyboard.press('Enter')
      await on.dialog.getByText('Copy the key now').waitFor()
      const shown = await on.dialog.getByRole('textbox').inputValue()
      expect(shown).toMatch(/^withauth_\w{49}$/)
      await on.press('Copy')
      await on.dialog.getByText('Copied').waitFor()
      expect(await on.page.evaluate(() => navigator.clipboard.readText())).toBe(shown)
      await keyboard.press('Escape')
      await expect.poll(on.focused).toBe('create')
      expect(await on.page.content()).not.toContain(shown)
      await expect.poll(() => on.page.locator('[name=key]').inputValue()).toBe('')
      expect(await listKeys(on.file())).toMatchObject([{}, { principal: 'bob' }])
    })

    it('has all that the form asks for, and a mistake is named beside what was written', async () => {
      await on.open()
      await on.press('New key')
      await on.write(/^Principal/, 'bob')
      await on.write(/^Tenant/, 'acme')
      await on.write(/^Attributes/, 'roles=admin\nrole=x\n')
      await on.write(/^Paths/, 'v1')
      await on.write(/^Works for/, '90d')
      await on.press('Create')
      const alert = on.dialog.getByRole('alert')
      await alert.getByText('Paths must be').waitFor()
      expect(await on.focused()).not.toBe('create')
      await on.write(/^Paths/, '/v1\n/v2')
      await on.press('Create')
      await on.dialog.getByText('Copy the key now').waitFor()
      const [, bob] = await listKeys(on.file())
      expect(bob).toMatchObject({
        tenant: 'acme',
        attributes: { roles: ['admin'], role: ['x'] },
        paths: ['/v1', '/v2'],
        expires: expect.any(String),
      })
    })

    it('is rotated, and the page says until when the old one works', async () => {
      await on.open()
      await on.press(`Rotate ${on.alice.id} of alice`)
      await on.write(/^The old key/, '1h')
      await on.press('Rotate')
      await on.dialog.getByText(`${on.alice.id} of alice works until`).waitFor()
      await on.press('Done')
      await expect.poll(on.focused).toBe(`Rotate ${on.alice.id} of alice`)
      expect(await on.rows.count()).toBe(2)
      expect(await listKeys(on.file())).toMatchObject([{ successor: expect.any(String) }, {}])
    })

    it('is revoked after a question, and the page says until when others may accept it', async () => {
      await on.open()
      await on.press(`Revoke ${on.alice.id} of alice`)
      await on.dialog.getByText('a revoked key works for at most 1 s').waitFor()
      await on.press('Cancel')
      expect(await listKeys(on.file())).toMatchObject([{ status: 'active' }])
      await expect.poll(on.focused).toBe(`Revoke ${on.alice.id} of alice`)
      await on.press(`Revoke ${on.alice.id} of alice`)
      await on.press('Revoke')
      const said =
        /^key_\w+ of alice is revoked\. Other machines may accept it until \d\d:\d\d:\d\d: at a server/
      await on.notice.getByText(said).waitFor()
      expect(await listKeys(on.file())).toMatchObject([{ status: 'revoked' }])
      await on.rows.getByText('revoked').waitFor()
      await expect.poll(on.focused).toBe('keys-title')
      expect(await on.rows.getByRole('button').count()).toBe(0)
    })
  })

  it('searches and sorts, and tells a screen reader of it', async () => {
    for (const principal of ['p10', 'p9']) await createKey(on.file(), { principal })
    await revokeKey(on.file(), on.alice.id)
    await on.open()
    const principals = () => on.page.locator('#keys [data-field=principal]').allTextContents()
    const head = on.page.getByRole('columnheader', { name: 'Principal' }).first()
    await on.press('Principal')
    expect([await principals(), await head.getAttribute('aria-sort')]).toEqual([
      ['alice', 'p9', 'p10'],
      'ascending',
    ])
    await on.press('Principal')
    expect([await principals(), await head.getAttribute('aria-sort')]).toEqual([
      ['p10', 'p9', 'alice'],
      'descending',
    ])
    await on.page.getByRole('searchbox', { name: 'Search' }).fill('REVOK')
    expect(await principals()).toEqual(['alice'])
    expect(await on.page.locator('#count').textContent()).toBe('1 of 3 keys')
  })

  it('shows how a key is used, or why that is unknown, and what needs attention', async () => {
    const dayOf = (age: number): string => new Date(Date.now() - age * DAY_MS).toISOString()
    const uses = [
      [0, 3],
      [1, 4],
      [20, 5],
    ].map(([age = 0, checks]) => ({
      id: on.alice.id,
      day: dayOf(age).slice(0, 10),
      checks,
      lastUsed: dayOf(age).replace(/\.\d+/, ''),
    }))
    writeFileSync(`${on.file()}.usage`, JSON.stringify({ uses, merged: [] }))
    await createKey(on.file(), { principal: 'bob', name: "Bob's laptop", expiresIn: '7d' })
    await on.open()
    const chart = on.page.getByRole('img', { name: 'Checks: 3 today, 7 in 7 days, 12 in 30 days' })
    const heights = await chart
      .locator('rect')
      .evaluateAll((bars) => bars.map((bar) => bar.getAttribute('height')))
    expect(heights).toHaveLength(30)
    expect(heights.slice(-2).map((height) => Math.round(Number(height)))).toEqual([19, 14])
    await on.rows.getByText('expires soon, never used').waitFor()
    await on.rows.getByText("Bob's laptop").waitFor()
    writeFileSync(`${on.file()}.usage`, '{')
    await on.page.reload()
    await on.page.getByText('Remove it: the counts in it are lost').waitFor()
    expect(await on.rows.count()).toBe(2)
  })

  it('shows decisions as they are made, and finds them by key, path and outcome', async () => {
    const bob = await createKey(on.file(), { principal: 'bob' })
    await revokeKey(on.file(), bob.id)
    await on.open()
    await on.page.getByText('Not watching: nothing listens there').waitFor()
    const args = ['--keys', on.file(), '--watch-socket', on.watched()]
    const endpoint = serveCommand(endpointCommand, args)
    const url = await endpoint.listening()
    await on.page.getByText('Watching the endpoint.').waitFor()
    const ask = async (key: string, path: string): Promise<Response> =>
      fetch(url, { method: 'POST', body: await questionOf(key, path).text() })
    await ask(on.alice.key, '/v1/models')
    await ask(bob.key, '/v1/chat')
    await ask('sk-other', '/v2')
    const shown = () => on.page.locator('#live tr').allInnerTexts()
    const seen = (): Promise<string[]> =>
      shown().then((rows) => rows.map((row) => row.replace(/^\d\d:\d\d:\d\d\t/, '')))
    const [ofAlice, ofBob, ofNobody] = [
      `allow 200\talice ${on.alice.id}\t/v1/models\t`,
      `deny 401\tbob ${bob.id}\t/v1/chat\tthe token was revoked`,
      'deny 401\t\t/v2\tthe token is not known',
    ]
    await expect.poll(seen).toEqual([ofNobody, ofBob, ofAlice])
    const { page } = on
    await page.getByLabel('Key or principal').fill('ALICE')
    expect(await seen()).toEqual([ofAlice])
    await page.getByLabel('Key or principal').fill('')
    await page.getByRole('textbox', { name: 'Path', exact: true }).fill('/v1')
    await page.getByLabel('Outcome').selectOption('deny')
    expect(await seen()).toEqual([ofBob])
    await page.getByLabel('Outcome').selectOption('all')
    await on.press('Pause')
    await ask(on.alice.key, '/v1/paused')
    await page.waitForTimeout(400)
    expect(await seen()).toEqual([ofBob, ofAlice])
    await on.press('Pause')
    await expect.poll(async () => (await seen()).length).toBe(3)
    endpoint.signal('SIGINT')
    await on.page.getByText('Not watching: ').waitFor()
  })

  it('says what is wrong with the keys, and shows them when they are whole again', async () => {
    await on.open()
    const before = readFileSync(on.file())
    writeFileSync(on.file(), 'keys: [')
    await on.press('New key')
    await on.write(/^Principal/, 'bob')
    await on.press('Create')
    await on.dialog.getByRole('alert').getByText('keys.yaml:1:').waitFor()
    writeFileSync(on.file(), before)
    await on.press('Create')
    await on.dialog.getByText('Copy the key now').waitFor()
    await on.press('Done')
    expect(await on.rows.count()).toBe(2)
    await on.served.stop()
    await on.press(`Revoke ${on.alice.id} of alice`)
    await on.press('Revoke')
    await on.dialog.getByText('Was the command stopped?').waitFor()
  })

  it('names each field and button for a screen reader, in every dialog', async () => {
    await on.open()
    const ofAlice = `${on.alice.id} of alice`
    const dialogs = [
      ['New key', 'New key', 'create'],
      [`Rotate ${ofAlice}`, 'Rotate the key', `Rotate ${ofAlice}`],
      [`Revoke ${ofAlice}`, 'Revoke the key?', `Revoke ${ofAlice}`],
    ] as const
    for (const [opener, title, focused] of dialogs) {
      await on.press(opener)
      const controls = on.dialog.locator('input, textarea, button')
      const names = await controls.evaluateAll((all: (HTMLInputElement | HTMLButtonElement)[]) =>
        all.map(({ labels, textContent }) => labels?.[0]?.textContent ?? textContent),
      )
      expect(names.filter((text) => text.trim() === '')).toEqual([])
      expect(await on.page.getByRole('dialog', { name: title, exact: true }).count()).toBe(1)
      expect(await on.dialog.evaluate((one) => one.contains(document.activeElement))).toBe(true)
      await on.page.keyboard.press('Escape')
      await expect.poll(on.focused).toBe(focused)
    }
  })

  describe('signing in', () => {
    it('uses the code of the link once, and removes it from the address and the history', async () => {
      const link = on.served.link()
      await on.open()
      expect(on.page.url()).toBe(`${on.served.url}/`)
      expect(await on.page.evaluate(() => [history.length, document.cookie])).toEqual([2, ''])
      await on.page.reload()
      await on.rows.first().waitFor()
      await on.page.goto(`${link}&again`)
      await on.page.goto('about:blank')
      await on.page.goto(link)
      await on.notice.getByText('This link was used before, or is older than 60 s').waitFor()
      expect(on.page.url()).toBe(`${on.served.url}/`)
      expect(await on.rows.count()).toBe(0)
    })

    it('shows nothing in a second tab, which gets a session of its own by a new link', async () => {
      await on.open()
      const first = on.page
      on.page = await on.newTab()
      await on.page.goto(`${on.served.url}/`)
      await on.notice.getByText('This tab is not signed in').waitFor()
      expect(await on.page.locator('#signed-in').isVisible()).toBe(false)
      await on.page.goto(await on.served.nextLink())
      await on.rows.first().waitFor()
      on.page = first
      await on.press('New key')
      await on.write(/^Principal/, 'bob')
      await on.press('Create')
      await on.notice.getByText('its session has ended').waitFor()
      expect(await on.dialog.count()).toBe(0)
      expect(await on.rows.count()).toBe(0)
      expect(await listKeys(on.file())).toHaveLength(1)
    })

    it('forgets all keys when the session has expired', async () => {
      vi.useFakeTimers({ toFake: ['Date'] })
      await on.open()
      vi.advanceTimersByTime(8 * 3_600_000)
      await on.press(`Revoke ${on.alice.id} of alice`)
      await on.press('Revoke')
      await on.notice.getByText('its session has ended').waitFor()
      expect(await on.page.evaluate(() => sessionStorage.length)).toBe(0)
      expect(await on.rows.count()).toBe(0)
      expect(await listKeys(on.file())).toMatchObject([{ status: 'active' }])
    })
  })

  it('shows hostile values as text in every place', async () => {
    const attributes = { [HOSTILE]: [HOSTILE] }
    const hostile = await createKey(on.file(), { principal: HOSTILE, name: HOSTILE, attributes })
    writeFileSync(
      on.file(),
      readFileSync(on.file(), 'utf8').replaceAll(/prefix: .*/g, "prefix: '<b>x</b>'"),
    )
    await on.open()
    await on.page.getByText('<img src=x').first().waitFor()
    await on.rows.filter({ hasText: hostile.id }).getByRole('button', { name: 'Rotate' }).click()
    await on.press('Rotate')
    await on.dialog.getByText('Copy the key now').waitFor()
    await on.press('Done')
    await on.rows.filter({ hasText: hostile.id }).getByRole('button', { name: 'Revoke' }).click()
    await on.press('Revoke')
    await on.notice.getByText('is revoked').waitFor()
    const feed = createFeed({ path: on.watched() }, HOSTILE)
    await feed.listen()
    await on.page.getByText('Watching the <img').waitFor()
    const texts = { principal: HOSTILE, keyId: HOSTILE, cause: HOSTILE, method: HOSTILE }
    feed.send({ type: 'decision', outcome: HOSTILE, status: 200, path: HOSTILE, ...texts })
    await on.page.locator('#live').getByText('<img').first().waitFor()
    await feed.close()
    const made = await on.page.evaluate(() => document.querySelectorAll('img, b, iframe').length)
    expect(made).toBe(0)
    // A character that turns the direction of the text around it is spelled out.
    expect(await on.page.locator('main').innerText()).not.toContain('\u202e')
  })

  it('fits a narrow screen, in light and dark, without scrolling to the side', async () => {
    await createKey(on.file(), {
      principal: 'a'.repeat(256),
      attributes: { roles: ['b'.repeat(300)] },
    })
    await on.open()
    for (const colorScheme of ['light', 'dark'] as const) {
      await on.page.emulateMedia({ colorScheme })
      for (const width of [320, 1280]) {
        await on.page.setViewportSize({ width, height: 600 })
        const overflow = await on.page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
        expect({ width, overflow }).toEqual({ width, overflow: 0 })
      }
    }
    const colors = await on.page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    expect(colors).toBe('rgb(21, 23, 28)')
  })

  it('is less than 30 kB, with its script and its styles', async () => {
    const sizes = await Promise.all(
      ['/', '/console.js', '/console.css'].map(async (target) => {
        const { text } = await on.served.send(target)
        return Buffer.byteLength(text)
      }),
    )
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(30_000)
  })
})
