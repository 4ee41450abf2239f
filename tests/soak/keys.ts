const HOT = 50
const NEW_SHARE = 0.3
const BAD_SHARE = 0.05

export type Keys = ReturnType<typeof createKeys>

/** Makes keys whose names say whether the endpoint allows them. */
export function createKeys() {
  let count = 0
  const make = (kind: string): string => `${kind}-${(count += 1)}-${'0123456789'.repeat(3)}`
  const hot = Array.from({ length: HOT }, () => make('allowed-hot'))
  const retired: string[] = []
  const pick = (from: readonly string[]): string =>
    from[Math.floor(Math.random() * from.length)] ?? ''
  return {
    /** The next key to send: mostly a hot key, which is sent again and again; every third key is new. */
    next: (): string => {
      const draw = Math.random()
      if (draw < NEW_SHARE) return make(draw < NEW_SHARE / 2 ? 'allowed-new' : 'bad-new')
      if (draw < NEW_SHARE + BAD_SHARE) return retired.length > 0 ? pick(retired) : make('bad-new')
      return pick(hot)
    },
    /** Replaces a hot key and returns the old one. */
    retire: (): string => {
      const index = Math.floor(Math.random() * HOT)
      const key = hot[index] ?? ''
      hot[index] = make('allowed-hot')
      retired.push(key)
      if (retired.length > HOT) retired.shift()
      return key
    },
  }
}

export function isHot(key: string): boolean {
  return key.startsWith('allowed-hot-')
}
