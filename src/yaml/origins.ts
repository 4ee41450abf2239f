import { isScalar } from 'yaml'
import { hasReference } from './references.ts'
import { rangeOf } from './tree.ts'
import type { Form } from '../core/config/form.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { Findings, Range } from './problems.ts'
import type { Environment } from './references.ts'
import type { Tree } from './tree.ts'

/** Where a value comes from. */
export interface Origin {
  /** Such as `server.auth.cache.allow_ttl_ms`. */
  readonly key: string
  /** The value in the file, or its key. */
  readonly node: unknown
  readonly form?: Form
  /** The node stands for a mapping, whatever it is. */
  readonly isGroup?: true
}

/** The place of a value in the file, and whether it may be shown. */
export interface Place {
  readonly place: Range
  /** Whether messages hide the value: it is secret, or comes from the environment. */
  readonly isHidden: boolean
  /** Whether excerpts hide the text in the file: it is, or may hold, a secret. */
  readonly isMasked: boolean
  /** Set if the environment gave the value. */
  readonly from?: 'environment'
}

export function placeOf({ node, form, isGroup }: Origin, { resolve }: Tree): Place {
  const place = rangeOf(node)
  const isSecret = form?.isSecret === true
  const scalar = resolve(node)
  // An excerpt of a mapping would show everything in it.
  if (isGroup || !isScalar(scalar)) return { place, isHidden: isSecret, isMasked: true }
  const text = String(scalar.value)
  // A URL may have a password in it, or a key in its query or fragment.
  const isPath =
    isCode(form?.kind === 'list' ? form.items : form, 'pattern') && /^(?:regex:|\/)/.test(text)
  const mayHoldSecret = !isPath && /[@?#]/.test(text)
  const isHidden = isSecret || (mayHoldSecret && !isUrl(form))
  const isMasked = isSecret || mayHoldSecret
  return hasReference(text)
    ? { place, isHidden: true, isMasked, from: 'environment' }
    : { place, isHidden, isMasked }
}

/** The origins of the values in an object, by their paths. */
export class Origins {
  readonly #all = new Map<string, Origin>()

  set(path: OptionPath, origin: Origin): void {
    this.#all.set(idOf(path), origin)
  }

  get(path: OptionPath): Origin | undefined {
    return this.#all.get(idOf(path))
  }

  /** The origin of a value, or of the nearest one that it is in, and the path from there. */
  nearest(path: OptionPath): { readonly origin: Origin; readonly rest: OptionPath } {
    for (let length = path.length; length >= 0; length -= 1) {
      const origin = this.get(path.slice(0, length))
      if (origin !== undefined) return { origin, rest: path.slice(length) }
    }
    throw new TypeError('The object has no origin')
  }

  /** Gives a value another path, with everything in it. */
  move(from: OptionPath, to: OptionPath): void {
    const id = idOf(from)
    const moved = [...this.#all].filter(([one]) => one.startsWith(id))
    for (const [one, origin] of moved) {
      this.#all.delete(one)
      this.#all.set(`${idOf(to)}${one.slice(id.length)}`, origin)
    }
  }
}

// Each part ends in a character that JSON escapes, so that no path begins like another one.
function idOf(path: OptionPath): string {
  return path.map((part) => `${JSON.stringify(String(part))}\n`).join('')
}

/** A file while it is read. */
export interface Reading {
  readonly tree: Tree
  readonly findings: Findings
  readonly environment: Environment
  readonly origins: Origins
  /** A value that comes out empty is a problem, and is not left out. */
  readonly needsValues?: boolean
  /** A key whose value is `null` is left out. */
  readonly dropsNull?: boolean
}

export function isUrl(form: Form | undefined): boolean {
  return form?.kind === 'url' || (form?.kind === 'code' && form.isUrl === true)
}

/** Whether an option has a reader of its own, and is this one. */
export function isCode(form: Form | undefined, is: string): boolean {
  return form?.kind === 'code' && form.is === is
}
