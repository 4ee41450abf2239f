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
const { exports } = readJson<{ exports: Readonly<Record<string, unknown>> }>('package.json')
const MODULES = Object.keys(exports)
  .filter((name) => !name.endsWith('.json'))
  .map((name) => `/api/with-auth${name.slice(1).replace('/', '.')}.html`)

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

  /** The links of a page to this site, and the ids that links may name. */
  async function readPage(path: string): Promise<{ links: URL[]; ids: string[] }> {
    await page.goto(origin + path)
    const links = await page
      .locator('a[href]')
      .evaluateAll((all) => all.map((a) => Reflect.get(a, 'href')))
    const ids = await page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id))
    const urls = links.map((link) => new URL(String(link)))
    return { links: urls.filter((url) => url.origin === origin), ids }
  }

  it(
    'has each page, whose links and anchors lead to something',
    { timeout: BUILD_MS },
    async () => {
      const paths = new Set(['/'])
      const targets = new Set<string>()
      const links = new Set<string>()
      // A set gives what is added while it is read. A page that is missing is a fault.
      for (const path of paths) {
        const found = await readPage(path)
        for (const id of ['', ...found.ids]) targets.add(`${path}#${id}`)
        for (const { pathname, hash } of found.links) {
          paths.add(pathname)
          links.add(`${pathname}#${decodeURIComponent(hash.slice(1))}`)
        }
      }
      expect([...paths]).toEqual(
        expect.arrayContaining([...names.map(pathOf), '/api/', ...MODULES]),
      )
      expect(links.size).toBeGreaterThan(1000)
      expect([...links].filter((link) => !targets.has(link))).toEqual([])
    },
  )

  it('lists the pages by task, in the order of docs/navigation.json', async () => {
    await page.goto(`${origin}/keys.html`)
    const groups = page.locator('.VPSidebar .group')
    expect(await groups.locator('h2').allTextContents()).toEqual([
      ...Object.keys(navigation),
      'API',
    ])
    const hrefs = await groups
      .locator('a')
      .evaluateAll((all) => all.map((a) => a.getAttribute('href')))
    expect(hrefs).toEqual([...names.map(pathOf), '/api/', ...MODULES])
  })

  it.each([
    ['revoke a key', '/keys.html#revoke-a-key'],
    ['postgres', '/keys-database.html#postgresql'],
    ['timeoutMs', '/configuration.html#timeoutms'],
    ['createAuthenticator', '/api/with-auth.html#createauthenticator'],
    ['redisStore', '/api/with-auth.redis.html#redisstore'],
    ['JwtOptions', '/api/with-auth.jwt.html#jwtoptions'],
  ])('finds "%s" first in %s, and leads there', async (words, place) => {
    await page.goto(`${origin}/`)
    const input = page.locator('.VPLocalSearchBox input')
    // A key that comes before the scripts have run opens nothing.
    await expect
      .poll(() => page.keyboard.press('Control+k').then(() => input.isVisible()))
      .toBe(true)
    await input.fill(words)
    await page.locator('.VPLocalSearchBox .result').first().click()
    await page.waitForURL(origin + place)
    const section = page.locator(`[id="${place.replace(/.*#/, '')}"]`)
    await expect.poll(() => section.textContent()).toMatch(new RegExp(words, 'i'))
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

  it('draws a diagram in the colours of the mode, and loads nothing for it elsewhere', async () => {
    const scripts: string[] = []
    page.on('request', (request) => {
      if (request.url().includes('mermaid')) scripts.push(request.url())
    })
    await page.goto(`${origin}/keys.html`, { waitUntil: 'networkidle' })
    expect(scripts).toEqual([])
    await page.goto(`${origin}/contributing/internals.html`)
    const label = page.locator('.diagram .node text', { hasText: 'response/denial: status' })
    const readColour = (): Promise<string> => label.evaluate((node) => getComputedStyle(node).fill)
    const light = await readColour()
    await page.locator('.VPSwitchAppearance').first().click()
    await expect.poll(readColour).not.toBe(light)
    expect(scripts.length).toBe(1)
  })

  it('has the reference of the API, one click away', async () => {
    await page.goto(`${origin}/`)
    await page.locator('.VPNavBarMenu a', { hasText: 'API' }).click()
    await page.waitForURL(`${origin}/api/`)
    await page.locator('.vp-doc a', { hasText: 'with-auth/mcp' }).click()
    // `mcpAuthInfo` has a section too, whose anchor differs by a number.
    await page.locator('.vp-doc blockquote a', { hasText: 'McpAuthInfo' }).click()
    await page.waitForURL(`${origin}/api/with-auth.mcp.html#mcpauthinfo`)
    expect(await page.locator('#mcpauthinfo').textContent()).toContain('McpAuthInfo')
  })
})

function pathOf(name: string): string {
  return `/${name.replace(/(^|\/)README$/, '$1')}${name.endsWith('README') ? '' : '.html'}`
}
