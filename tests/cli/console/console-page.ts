import { execFileSync } from 'node:child_process'
import { chromium } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest'
import { createKey } from '../../../src/keys.ts'
import { whyMissing } from '../../support/installed.ts'
import { stopCommands } from '../../support/served-command.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startConsole } from './running-console.ts'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import type { CreatedKey } from '../../../src/keys.ts'
import type { RunningConsole } from './running-console.ts'

export const CHROMIUM_MISSING = whyMissing(['chromium', '--version'], 'chromium')

/** The page of a console in Chromium, over a file with a key of alice. */
export class ConsolePage {
  context!: BrowserContext
  page!: Page
  served!: RunningConsole
  alice!: CreatedKey
  readonly file: () => string
  /** The socket at which the console watches decisions. */
  readonly watched: () => string
  #browser: Browser | undefined
  #faults: string[] = []

  constructor() {
    const inFolder = setupFolder()
    this.file = () => inFolder('keys.yaml')
    this.watched = () => inFolder('watch.sock')
    beforeAll(async () => {
      const found = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' })
      const executablePath = found.trim()
      this.#browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    }, 60_000)
    afterAll(() => this.#browser?.close())
    beforeEach(() => this.#start())
    afterEach(async () => {
      vi.useRealTimers()
      await this.context.close()
      await stopCommands()
      if (this.#faults.length > 0) throw new Error(this.#faults.join('\n'))
    })
  }

  async #start(): Promise<void> {
    this.#faults = []
    this.alice = await createKey(this.file(), { principal: 'alice', expiresIn: '90d' })
    this.served = await startConsole(this.file(), ['--watch', this.watched()])
    const context = await this.#browser?.newContext({ locale: 'en-GB', timezoneId: 'UTC' })
    if (context === undefined) throw new Error('Chromium did not start')
    context.setDefaultTimeout(10_000)
    this.context = context
    this.page = await this.newTab()
  }

  /** A tab whose scripts must not throw, run anything of a value, or load anything from elsewhere. */
  async newTab(): Promise<Page> {
    const tab = await this.context.newPage()
    tab.on('pageerror', ({ message }) => this.#faults.push(message))
    tab.on('dialog', (dialog) => this.#faults.push(dialog.message()))
    tab.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.#faults.push(message.text())
    })
    tab.on('request', (request) => {
      if (!request.url().startsWith(`${this.served.url}/`)) this.#faults.push(request.url())
    })
    return tab
  }

  /** Opens the newest link, and waits for the keys. */
  async open(): Promise<void> {
    await this.page.goto(this.served.link())
    await this.rows.first().waitFor()
  }

  get notice(): Locator {
    return this.page.getByRole('status').first()
  }

  get rows(): Locator {
    return this.page.locator('#keys tr')
  }

  get dialog(): Locator {
    return this.page.getByRole('dialog')
  }

  press(name: string): Promise<void> {
    return this.page.getByRole('button', { name, exact: true }).click()
  }

  /** Fills a field of the dialog. */
  write(name: RegExp, text: string): Promise<void> {
    return this.dialog.getByRole('textbox', { name }).fill(text)
  }

  /** What names the element that has the focus. */
  readonly focused = (): Promise<string | undefined> =>
    this.page.evaluate(() => document.activeElement?.ariaLabel ?? document.activeElement?.id)
}
