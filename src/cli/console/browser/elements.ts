import { escapeHidden } from '../../shown-value.ts'

/** The element with this id, which the page has. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  return part<Kind>(document, `#${id}`)
}

/** The first part of an element that matches, which it has. */
export function part<Kind extends HTMLElement = HTMLElement>(
  element: ParentNode,
  selector: string,
): Kind {
  const found = element.querySelector<Kind>(selector)
  if (found === null) throw new Error(`There is no ${selector}`)
  return found
}

/** Puts values into the parts of an element that are named for them, as text: no value is read as HTML. */
export function fill(
  element: ParentNode,
  values: Readonly<Record<string, string | number | undefined>>,
): void {
  for (const [name, value = ''] of Object.entries(values)) {
    const place = element.querySelector(`[data-field="${name}"]`)
    if (place !== null) place.textContent = escapeHidden(String(value))
  }
}

/** A copy of the only element of a template. */
export function copyOf(id: string): HTMLElement {
  const { content } = byId<HTMLTemplateElement>(id)
  return document.importNode(content, true).firstElementChild as HTMLElement
}

/** Says something in a place whose text is also read out. */
export function say(id: string, text: string): void {
  byId(id).textContent = escapeHidden(text)
}

export function notify(text: string): void {
  say('notice', text)
}

export function showTime(text: string | undefined, otherwise: string = ''): string {
  return show(text, otherwise, { dateStyle: 'medium', timeStyle: 'short' })
}

export function showDay(text: string | undefined, otherwise: string = ''): string {
  return show(text, otherwise, { dateStyle: 'medium' })
}

function show(
  text: string | undefined,
  otherwise: string,
  style: Intl.DateTimeFormatOptions,
): string {
  if (text === undefined) return otherwise
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? text : time.toLocaleString(undefined, style)
}
