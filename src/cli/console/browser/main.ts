import { isSignedIn, signIn, SignedOutError } from './calls.ts'
import { followDecisions, pauseDecisions, showDecisions } from './decisions.ts'
import { askToCreate, askToRevoke, askToRotate, closeDialogs } from './edits.ts'
import { byId, notify } from './elements.ts'
import { keyNamed, loadKeys, loadMoreKeys, showKeys, sortKeys, turnSorting } from './keys.ts'

/** The script of the page. It begins a session by the code of the link, and shows what the console answers. */

const RELOAD_MS = 15_000
const SIGNED_OUT =
  'This tab is not signed in, or its session has ended. Press Enter in the terminal of the console, and open the link that it prints.'

function showSignedOut(): void {
  closeDialogs()
  byId('signed-in').hidden = true
  byId('keys').replaceChildren()
  notify(SIGNED_OUT)
}

/** Runs something in the background. */
function run(work: () => Promise<void>): void {
  work().catch((error: unknown) => {
    if (error instanceof SignedOutError) return showSignedOut()
    notify(error instanceof Error ? error.message : String(error))
  })
}

async function start(): Promise<void> {
  const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1]
  if (code !== undefined) {
    // Before anything else can read it.
    history.replaceState(null, '', location.pathname)
    await signIn(code)
  }
  if (!isSignedIn()) return showSignedOut()
  notify('')
  await loadKeys()
  byId('signed-in').hidden = false
  run(followDecisions)
}

function reload(): void {
  const isBusy = document.hidden || document.querySelector('dialog[open]') !== null
  if (isSignedIn() && !isBusy) run(loadKeys)
}

byId('search').addEventListener('input', showKeys)
byId('create').addEventListener('click', askToCreate)
byId('more').addEventListener('click', () => run(loadMoreKeys))
byId('sorting').addEventListener('change', () => sortKeys(byId<HTMLSelectElement>('sorting').value))
for (const head of document.querySelectorAll<HTMLElement>('[data-sort]')) {
  head.addEventListener('click', () => turnSorting(head.dataset['sort'] ?? ''))
}
byId('keys').addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLElement>('[data-action]') : null
  const key = keyNamed(button?.closest('tr')?.dataset['id'])
  if (key === undefined) return
  if (button?.dataset['action'] === 'rotate') askToRotate(key)
  else askToRevoke(key)
})
document.querySelector('#pause')?.addEventListener('click', pauseDecisions)
for (const filter of document.querySelectorAll('#decisions .bar')) {
  filter.addEventListener('input', showDecisions)
}
addEventListener('signed-out', showSignedOut)
// Another link may be opened in this tab.
addEventListener('hashchange', () => run(start))
setInterval(reload, RELOAD_MS)
run(start)
