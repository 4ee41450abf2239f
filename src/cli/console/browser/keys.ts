import { call } from './calls.ts'
import { drawChecks } from './chart.ts'
import { byId, copyOf, fill, say, showDay, showTime } from './elements.ts'
import type { KeyAttention, KeyRecord, KeyReport } from '../../../keys.ts'
import type { KeyList } from '../api.ts'

const ATTENTION: Readonly<Record<KeyAttention, string>> = {
  expires_soon: 'expires soon',
  never_used: 'never used',
  unused: 'unused for 90 days',
}

const SORTED_BY: Readonly<Record<string, (key: KeyReport) => string | number>> = {
  label: ({ name, id }) => name ?? id,
  principal: ({ principal }) => principal,
  status: ({ status }) => status,
  created: ({ created = '' }) => created,
  // A key that never expires comes last.
  expires: ({ expires = '~' }) => expires,
  lastUsed: ({ lastUsed = '' }) => lastUsed,
  checks: ({ checks }) => checks?.last30Days ?? 0,
}

const collator = new Intl.Collator(undefined, { numeric: true })
let listed: readonly KeyReport[] = []
let pages = 1
let sorting = { by: 'created', isDescending: true }

/** Loads the keys again, as many pages as before. */
export async function loadKeys(): Promise<void> {
  const found: KeyReport[] = []
  let after: string | undefined
  let warning: string | undefined
  for (let page = 0; page < pages; page += 1) {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
    const list = await call<KeyList>(`/api/keys${query}`)
    found.push(...list.keys)
    after = list.next
    warning = list.warning ?? warning
    say('place', list.place)
    fill(byId('revoke-dialog'), { revocation: list.revocation.text })
    if (after === undefined) break
  }
  byId('more').hidden = after === undefined
  listed = found
  say('warning', warning ?? '')
  showKeys()
}

export async function loadMoreKeys(): Promise<void> {
  pages += 1
  await loadKeys()
}

export function keyNamed(id: string | undefined): KeyReport | undefined {
  return listed.find((key) => key.id === id)
}

export function sortKeys(by: string, isDescending: boolean = false): void {
  sorting = { by, isDescending }
  showKeys()
}

/** Sorts by a column, and in the other direction if it is sorted by that one. */
export function turnSorting(by: string): void {
  sortKeys(by, sorting.by === by && !sorting.isDescending)
}

/** Shows the keys that the search finds. The focus stays on the button of the key that had it. */
export function showKeys(): void {
  const wanted = byId<HTMLInputElement>('search').value.trim().toLowerCase()
  const found = listed.filter((key) => textOf(key).includes(wanted))
  const valueOf = SORTED_BY[sorting.by] ?? (({ id }: KeyReport) => id)
  const order = sorting.isDescending ? -1 : 1
  found.sort((one, other) => order * compare(valueOf(one), valueOf(other)))
  const focus = rememberFocus()
  byId('keys').replaceChildren(...found.map(createRow))
  focus()
  const more = byId('more').hidden ? '' : ' that are loaded'
  byId('count').textContent = `${found.length} of ${listed.length} keys${more}`
  byId<HTMLSelectElement>('sorting').value = sorting.by
  for (const head of document.querySelectorAll<HTMLElement>('[data-sort]')) {
    head.ariaSort = head.dataset['sort'] === sorting.by ? directionOf(sorting) : 'none'
  }
}

function directionOf({ isDescending }: typeof sorting): string {
  return isDescending ? 'descending' : 'ascending'
}

function compare(one: string | number, other: string | number): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  return collator.compare(String(one), String(other))
}

function textOf({ id, name, prefix, status, principal, tenant, attributes, paths }: KeyReport) {
  const texts = [id, name, prefix, status, principal, tenant, JSON.stringify(attributes)]
  return [...texts, ...(paths ?? [])].join('\n').toLowerCase()
}

/** Returns what gives the focus back, also to the button of a key whose row was made again. */
export function rememberFocus(): () => void {
  const focused = document.activeElement
  if (!(focused instanceof HTMLElement)) return () => undefined
  const id = focused.closest<HTMLElement>('#keys tr')?.dataset['id']
  if (id === undefined) return () => focused.focus()
  const { action = '' } = focused.dataset
  return () => {
    const row = [...byId('keys').children].find((one) => (one as HTMLElement).dataset['id'] === id)
    const again = row?.querySelector<HTMLElement>(`[data-action="${action}"]:not([hidden])`)
    const target = again ?? byId('keys-title')
    target.focus()
  }
}

function createRow(key: KeyReport): HTMLElement {
  const { id, name, prefix, principal, status, created, expires, lastUsed, checks } = key
  const row = copyOf('key-row')
  row.dataset['id'] = id
  fill(row, {
    name,
    id,
    prefix: prefix && `${prefix}…`,
    principal,
    rights: rightsOf(key),
    status,
    attention: key.attention.map((word) => ATTENTION[word]).join(', '),
    created: showDay(created),
    expires: showDay(expires, 'never'),
    lastUsed: showTime(lastUsed),
  })
  row.querySelector('.status')?.classList.add(status === 'active' ? 'allowed' : 'denied')
  if (checks !== undefined) row.querySelector('[data-field="checks"]')?.append(drawChecks(checks))
  for (const button of row.querySelectorAll<HTMLElement>('[data-action]')) {
    button.ariaLabel = `${button.textContent.trim()} ${labelOf(key)}`
    // A revoked key may still have a mistake in its row, and an expired one may be marked as leaked.
    button.hidden =
      button.dataset['action'] === 'rotate' ? status !== 'active' : status === 'revoked'
  }
  return row
}

/** The name of a key in a sentence. */
export function labelOf(key: KeyRecord | undefined): string {
  if (key === undefined) return ''
  const { id, name, principal } = key
  return name === undefined ? `${id} of ${principal}` : `${name} (${id}) of ${principal}`
}

function rightsOf({ tenant, attributes, paths = [] }: KeyReport): string {
  const lists = Object.entries(attributes).map(([name, values]) => `${name}=${values.join(',')}`)
  return [tenant && `tenant ${tenant}`, ...lists, ...paths].filter(Boolean).join(' · ')
}
