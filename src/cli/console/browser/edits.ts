import { escapeHidden } from '../../shown-value.ts'
import { call, SignedOutError } from './calls.ts'
import { byId, fill, notify, part, showTime } from './elements.ts'
import { labelOf, loadKeys, rememberFocus } from './keys.ts'
import type { KeyRecord } from '../../../keys.ts'
import type { RevocationNotice } from '../api.ts'

interface NewKey extends KeyRecord {
  readonly key: string
  readonly advice?: string
  readonly replaces?: KeyRecord
}

/** Does what a form asks for, and returns what to show when its dialog is closed. */
type Work = (fields: Fields, key?: KeyRecord) => Promise<(focus: () => void) => void>
type Fields = Readonly<Record<string, string>>

export const askToCreate: () => void = prepare('create-dialog', async (fields) => {
  const { attributes = '', paths = '', ...texts } = fields
  const body = withoutEmpty({ ...texts, attributes: linesOf(attributes), paths: linesOf(paths) })
  const created = await call<NewKey>('/api/keys', body)
  return (focus) => showOnce(created, focus)
})

export const askToRotate: (key: KeyRecord) => void = prepare(
  'rotate-dialog',
  async (fields, key) => {
    const created = await call<NewKey>(pathOf(key, 'rotate'), withoutEmpty(fields))
    return (focus) => showOnce(created, focus)
  },
)

export const askToRevoke: (key: KeyRecord) => void = prepare('revoke-dialog', async (_, key) => {
  const { acceptedForMs, text } = await call<RevocationNotice>(pathOf(key, 'revoke'), {})
  const until = acceptedForMs === null ? '' : ` until ${timeIn(acceptedForMs)}`
  return () => notify(`${labelOf(key)} is revoked. Other machines may accept it${until}: ${text}`)
})

export function closeDialogs(): void {
  for (const dialog of document.querySelectorAll('dialog')) dialog.close()
}

/** Returns what opens a dialog, which may be about a key. */
function prepare(id: string, work: Work): (key?: KeyRecord) => void {
  const dialog = byId<HTMLDialogElement>(id)
  const form = part<HTMLFormElement>(dialog, 'form')
  const alert = part(dialog, '[role="alert"]')
  const button = part<HTMLButtonElement>(dialog, '.main')
  let about: KeyRecord | undefined
  let focus = rememberFocus()
  const submit = async (): Promise<void> => {
    button.disabled = true
    const texts = [...new FormData(form)].map(([name, value]) => [
      name,
      typeof value === 'string' ? value.trim() : '',
    ])
    try {
      const show = await work(Object.fromEntries(texts) as Fields, about)
      dialog.close()
      show(focus)
      await loadKeys()
    } catch (error) {
      if (error instanceof SignedOutError) dispatchEvent(new Event('signed-out'))
      else alert.textContent = escapeHidden(error instanceof Error ? error.message : String(error))
    } finally {
      button.disabled = false
    }
  }
  part(dialog, '[data-action="cancel"]').addEventListener('click', () => dialog.close())
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit()
  })
  return (key) => {
    about = key
    focus = rememberFocus()
    form.reset()
    alert.textContent = ''
    fill(dialog, { key: labelOf(key) })
    dialog.showModal()
  }
}

const keyDialog = byId<HTMLDialogElement>('key-dialog')
const shownKey = part<HTMLTextAreaElement>(keyDialog, 'textarea')
let focusAfterKey = (): void => undefined

keyDialog.addEventListener('close', () => {
  shownKey.value = ''
  focusAfterKey()
})
byId('copy').addEventListener('click', () => void copyKey())

async function copyKey(): Promise<void> {
  shownKey.select()
  const isCopied = await navigator.clipboard.writeText(shownKey.value).then(
    () => true,
    () => false,
  )
  fill(keyDialog, { copied: isCopied ? 'Copied' : 'Copy the selected text yourself' })
}

function showOnce({ key, advice = '', replaces, ...created }: NewKey, focus: () => void): void {
  shownKey.value = key
  focusAfterKey = focus
  const old = replaces && `${labelOf(replaces)} ${endOf(replaces)}`
  fill(keyDialog, {
    owner: labelOf(created),
    advice: [old, advice].filter(Boolean).join('. '),
    copied: '',
  })
  keyDialog.showModal()
}

function endOf({ status, expires }: KeyRecord): string {
  return status === 'active' ? `works until ${showTime(expires)}` : 'has ended'
}

function pathOf(key: KeyRecord | undefined, action: string): string {
  return `/api/keys/${encodeURIComponent(key?.id ?? '')}/${action}`
}

function withoutEmpty(fields: Readonly<Record<string, string | readonly string[]>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value.length > 0))
}

function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function timeIn(milliseconds: number): string {
  return new Date(Date.now() + milliseconds).toLocaleTimeString()
}
