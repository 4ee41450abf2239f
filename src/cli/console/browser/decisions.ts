import { follow, SignedOutError } from './calls.ts'
import { byId, copyOf, fill, say } from './elements.ts'
import type { Watched } from '../../watch/client.ts'

type Decision = Extract<Watched, { readonly type: 'decision' }>

const [MOST_KEPT, MOST_SHOWN] = [1000, 200]
const [SHOW_MS, RETRY_MS] = [200, 2000]

/** The newest first. */
let decisions: readonly Decision[] = []
let isWatching = false
let isPaused = false
let timer: ReturnType<typeof setTimeout> | undefined

/** Shows decisions as they are made, until the session ends. */
export async function followDecisions(): Promise<void> {
  if (isWatching || document.querySelector('#decisions') === null) return
  isWatching = true
  try {
    for (;;) {
      await readFeed()
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  } finally {
    isWatching = false
    decisions = []
    showDecisions()
  }
}

/** @throws SignedOutError */
async function readFeed(): Promise<void> {
  try {
    for await (const entry of follow<Watched>('/api/decisions')) take(entry)
  } catch (error) {
    if (error instanceof SignedOutError) throw error
    say('feed', error instanceof Error ? error.message : String(error))
  }
}

function take(entry: Watched): void {
  if (entry.type === 'watching') return say('feed', `Watching the ${entry.from}.`)
  if (entry.type === 'lost') return say('feed', `Not watching: ${entry.cause}. Trying again.`)
  if (entry.type === 'warning') return say('feed', entry.message)
  decisions = [entry, ...decisions.slice(0, MOST_KEPT - 1)]
  // Many may arrive at once.
  timer ??= setTimeout(() => {
    timer = undefined
    if (!isPaused) showDecisions()
  }, SHOW_MS)
}

export function pauseDecisions(): void {
  isPaused = !isPaused
  byId('pause').ariaPressed = String(isPaused)
  if (!isPaused) showDecisions()
}

/** Shows the newest decisions that the filters let through. */
export function showDecisions(): void {
  const [key, path, outcome] = ['by-key', 'by-path', 'by-outcome'].map((id) =>
    byId<HTMLInputElement | HTMLSelectElement>(id).value.trim().toLowerCase(),
  )
  const found = decisions.filter(
    (one) =>
      has(`${one.keyId ?? ''}\n${one.principal ?? ''}`, key) &&
      has(one.path, path) &&
      (outcome === '' || one.outcome === outcome),
  )
  byId('live').replaceChildren(...found.slice(0, MOST_SHOWN).map(createRow))
}

function has(text: string, part: string = ''): boolean {
  return text.toLowerCase().includes(part)
}

function createRow({ time, outcome, status, method, path, ...others }: Decision): HTMLElement {
  const row = copyOf('decision-row')
  fill(row, {
    time: new Date(time).toLocaleTimeString(),
    outcome: `${outcome} ${status}`,
    principal: others.principal,
    keyId: others.keyId,
    request: method === undefined ? path : `${method} ${path}`,
    cause: others.cause,
  })
  row.querySelector('.status')?.classList.add(outcome === 'deny' ? 'denied' : 'allowed')
  return row
}
