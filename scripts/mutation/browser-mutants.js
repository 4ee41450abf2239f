import { chromium } from 'playwright-core'

const SWITCH = '__stryker__'

// Switches on a mutant in each page too: the mutation tester does so in the process of the tests.
const launch = chromium.launch.bind(chromium)
chromium.launch = async (options) => {
  const browser = await launch(options)
  const newContext = browser.newContext.bind(browser)
  browser.newContext = async (given) => {
    const context = await newContext(given)
    const { activeMutant } = globalThis[SWITCH] ?? {}
    await context.addInitScript(
      ([name, active]) => {
        globalThis[name] = { activeMutant: active }
      },
      [SWITCH, activeMutant],
    )
    return context
  }
  return browser
}
