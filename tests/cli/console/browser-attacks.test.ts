/** @module-tag slow */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { createFeed } from '../../../src/cli/watch/feed.ts'
import { createKey, listKeys } from '../../../src/keys.ts'
import { close, listen } from '../../support/loopback.ts'
import { CHROMIUM_MISSING, ConsolePage, HOST } from './console-page.ts'
import type { Page } from 'playwright-core'

/** Who gets at the page of `with-auth console` in Chromium, and what values do to it. */

const HOSTILE = `<img src=x onerror="alert(1)">'"&lt;\u202e{{7*7}}`

describe.skipIf(CHROMIUM_MISSING !== undefined)('the page of the console', () => {
  const on = new ConsolePage()

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

  describe('another site', () => {
    /** A page of another origin, which may do whatever a browser permits. */
    async function visit(html: string, run: (site: Page) => Promise<void>): Promise<void> {
      const server = createServer((_, response) => {
        response.setHeader('content-type', 'text/html').end(html)
      })
      const url = `http://localhost:${await listen(server)}/`
      const site = await on.context.newPage()
      await site.goto(url)
      await run(site)
      await close(server)
    }

    it('reaches nothing by a name that points at this machine', async () => {
      const site = await on.context.newPage()
      await site.goto(`http://${HOST}:${on.served.port}/`)
      expect(await site.textContent('body')).toBe(
        `This is the console of ${on.served.url}/. Open it at that address.\n`,
      )
    })

    it('sends no form and no request that changes something, and reads nothing', async () => {
      await on.open()
      const form = `<form method="post" enctype="text/plain" action="${on.served.url}/api/keys"><input name='{"principal":"' value='m"}'><button>x</button></form>`
      await visit(form, async (site) => {
        const code = on.served.link().replace(/.*#code=/, '')
        const failures = await site.evaluate(
          async ([url = '', secret = '']) => {
            const sent = [
              fetch(`${url}/api/keys`),
              fetch(`${url}/`),
              fetch(`${url}/session`, { method: 'POST', body: JSON.stringify({ code: secret }) }),
              fetch(`${url}/api/keys`, { headers: { authorization: 'Bearer x' } }),
            ]
            const settled = await Promise.allSettled(sent)
            return settled.map(({ status }) => status)
          },
          [on.served.url, code],
        )
        expect(failures).toEqual(['rejected', 'rejected', 'rejected', 'rejected'])
        await site.getByRole('button').click()
        await site.getByText('Only the page of').waitFor()
      })
      expect(await listKeys(on.file())).toHaveLength(1)
    })

    it('does not get the page into a frame, its script, or its window', async () => {
      await visit(`<iframe src="${on.served.url}/"></iframe>`, async (site) => {
        await site.waitForTimeout(200)
        const [, frame] = site.frames()
        const text = await frame?.textContent('body').catch(() => '')
        expect(text).not.toContain('Keys')
        const loaded = await site.evaluate(async (url) => {
          const script = Object.assign(document.createElement('script'), {
            src: `${url}/console.js`,
          })
          const result = new Promise((resolve) => {
            script.addEventListener('load', () => resolve('loaded'))
            script.addEventListener('error', () => resolve('blocked'))
          })
          document.body.append(script)
          return [await result, window.open(`${url}/`)?.closed ?? true]
        }, on.served.url)
        expect(loaded[0]).toBe('blocked')
      })
    })
  })
})
