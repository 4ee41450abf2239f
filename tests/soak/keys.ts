import { TOKEN } from '../support/token.ts'

export interface Keys {
  /** The next key to send: mostly one that comes again and again, one in three that has never been sent. */
  readonly next: () => string
  /** Takes a key that comes again and again, and puts another in its place. */
  readonly retire: () => string
}

const HOT = 50
const NEW_SHARE = 0.3
const BAD_SHARE = 0.05

/** Keys whose names say whether the endpoint knows them. */
export function createKeys(): Keys {
  let count = 0
  const make = (kind: string): string => `${kind}-${(count += 1)}-${'0123456789'.repeat(3)}`
  const hot = Array.from({ length: HOT }, () => make(`${TOKEN}-hot`))
  const retired: string[] = []
  const pick = (from: readonly string[]): string =>
    from[Math.floor(Math.random() * from.length)] ?? ''
  return {
    next: () => {
      const draw = Math.random()
      if (draw < NEW_SHARE) return make(draw < NEW_SHARE / 2 ? `${TOKEN}-new` : 'bad-new')
      if (draw < NEW_SHARE + BAD_SHARE) return retired.length > 0 ? pick(retired) : make('bad-new')
      return pick(hot)
    },
    retire: () => {
      const index = Math.floor(Math.random() * HOT)
      const key = hot[index] ?? ''
      hot[index] = make(`${TOKEN}-hot`)
      retired.push(key)
      if (retired.length > HOT) retired.shift()
      return key
    },
  }
}

/** Whether a key is one of those that come again and again. */
export function isHot(key: string): boolean {
  return key.startsWith(`${TOKEN}-hot-`)
}
