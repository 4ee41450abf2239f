import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { whyMissing } from '../support/installed.ts'
import { close, listen } from '../support/loopback.ts'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { readJson, ROOT } from '../support/project.ts'
import type { Browser, Page } from 'playwright-core'

/** The site of the documentation, as `npm run docs:site` builds it, in a browser. */

const CHROMIUM = '/usr/bin/chromium'
const missing = IS_NIGHTLY ? whyMissing([CHROMIUM, '--version'], 'chromium') : 'not by day'
const BUILD_MS = 300_000
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
}
const navigation = readJson<Readonly<Record<string, readonly string[]>>>('docs/navigation.json')
const names = Object.values(navigation).flat()

describe.skipIf(missing !== undefined)('the site', () => {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '', 'http://h').pathname)
    readFile(join(ROOT, 'site/dist', path.endsWith('/') ? `${path}index.html` : path)).then(
      (body) => response.setHeader('content-type', TYPES[extname(path)] ?? 'text/html').end(body),
      () => response.writeHead(404).end(),
    )
  })
  let browser: Browser
  let page: Page
  let origin: string
  let faults: string[]

  beforeAll(async () => {
    execFileSync('npm', ['run', '--silent', 'docs:site'], { cwd: ROOT, stdio: 'pipe' })
    origin = `http://127.0.0.1:${await listen(server)}`
    const { chromium } = await import('playwright-core')
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  }, BUILD_MS)
  afterAll(async () => {
    await browser.close()
    await close(server)
  })
  beforeEach(async () => {
    faults = []
    page = await browser.newPage()
    page.on('pageerror', ({ message }) => faults.push(message))
    page.on('request', (request) => {
      const url = request.url()
      if (!url.startsWith(origin) && !url.startsWith('data:')) faults.push(`${url} is elsewhere`)
    })
    page.on('response', (response) => {
      if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`)
    })
    return async () => {
      await page.close()
      if (faults.length > 0) throw new Error(faults.join('\n'))
    }
  })

  /** The links of a page to this site, with the ids that its own anchors may name. */
  async function readPage(path: string): Promise<{ links: string[]; ids: string[] }> {
    await page.goto(origin + path)
    const links = await page
      .locator('a[href]')
      .evaluateAll((all) => all.map((a) => Reflect.get(a, 'href')))
    const ids = await page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id))
    return { links: links.map(String).filter((link) => link.startsWith(origin)), ids }
  }

  it(
    'has each page, whose links and anchors lead to something',
    { timeout: BUILD_MS },
    async () => {
      const paths = ['/', ...names.map(pathOf)]
      const links = new Set<string>()
      const ids = new Map<string, readonly string[]>()
      for (const path of paths) {
        const found = await readPage(path)
        ids.set(path, found.ids)
        for (const link of found.links) links.add(link)
      }
      expect(links.size).toBeGreaterThan(300)
      const broken = [...links].filter((link) => {
        const { pathname, hash } = new URL(link)
        if (pathname.startsWith('/api/')) return false
        const path = pathname === '/index.html' ? '/' : pathname.replace(/\/index\.html$/, '/')
        const targets = ids.get(path)
        return (
          targets === undefined ||
          (hash !== '' && !targets.includes(decodeURIComponent(hash.slice(1))))
        )
      })
      expect(broken).toEqual([])
    },
  )

  it('lists the pages by task, in the order of docs/navigation.json', async () => {
    await page.goto(`${origin}/keys.html`)
    const groups = page.locator('.VPSidebar .group')
    expect(await groups.locator('h2').allTextContents()).toEqual(Object.keys(navigation))
    const hrefs = await groups
      .locator('a')
      .evaluateAll((all) => all.map((a) => a.getAttribute('href')))
    expect(hrefs).toEqual(names.map(pathOf))
  })

  it('finds a section by its words, and leads there', async () => {
    await page.goto(`${origin}/`)
    await page.keyboard.press('Control+k')
    await page.locator('.VPLocalSearchBox input').fill('revoke a key')
    await page.locator('.VPLocalSearchBox .result').first().click()
    await page.waitForURL(`${origin}/keys.html#revoke-a-key`)
    await expect.poll(() => page.title()).toContain('API keys in a file')
  })

  it('has a dark mode that it remembers, for its charts too', async () => {
    await page.goto(`${origin}/performance.html`)
    const isDark = (): Promise<boolean> => page.locator('html.dark').isVisible()
    expect(await isDark()).toBe(false)
    const light = await page.locator('img[src*="bench-hit"]').screenshot()
    await page.locator('.VPSwitchAppearance').first().click()
    await expect.poll(isDark).toBe(true)
    await page.reload()
    expect(await isDark()).toBe(true)
    const dark = await page.locator('img[src*="bench-hit"]').screenshot()
    expect(dark.equals(light)).toBe(false)
  })

  it('shows each picture', async () => {
    for (const path of ['/performance.html', '/caching.html', '/resilience.html']) {
      await page.goto(origin + path)
      const widths = await page
        .locator('.vp-doc img')
        .evaluateAll((all) => all.map((image) => Reflect.get(image, 'naturalWidth')))
      expect(widths.length).toBeGreaterThan(0)
      expect(widths.filter((width) => !(Number(width) > 0))).toEqual([])
    }
  })

  it('has the reference of the API, one click away', async () => {
    await page.goto(`${origin}/`)
    await page.locator('.VPNavBarMenu a', { hasText: 'API' }).click()
    await page.waitForURL(`${origin}/api/index.html`)
    expect(await page.locator('a', { hasText: 'verifiers' }).count()).toBeGreaterThan(0)
  })
})

function pathOf(name: string): string {
  return `/${name.replace(/(^|\/)README$/, '$1')}${name.endsWith('README') ? '' : '.html'}`
}
