/** A client whose unknown tokens had to wait lately. The one that owes least is next. */
export interface Client {
  debt: number
}

/** A check of an unknown token that waits. */
interface WaitingCheck {
  readonly client: Client
}

const GENERATION_MS = 30_000
const MAX_PER_GENERATION = 8192
// As much as so many checks.
export const DENIAL = 16
const V4 = /^\d{1,3}(?:\.\d{1,3}){3}$/
const V6 = /^[\da-f:.]{2,45}$/i

/**
 * The clients of the last minute, at most 16,384, by their IPv4 address or the first 64 bits of their IPv6 address. All without
 * an address are one client. When the younger of two generations is 30 seconds old, or full, it becomes the older one, whose
 * clients owe half, and the older one is dropped.
 */
export class Clients {
  #younger = new Map<string, Client>()
  #older = new Map<string, Client>()
  // Born with the first check.
  #bornAt = -Infinity

  /** The client, with one more check that waits. */
  at(address: string | undefined, now: number): Client {
    const ageMs = now - this.#bornAt
    if (ageMs >= 2 * GENERATION_MS) this.#younger.clear()
    if (ageMs >= GENERATION_MS || this.#younger.size >= MAX_PER_GENERATION) {
      this.#renew(now)
    }
    const network = networkOf(address)
    const earlier = (this.#older.get(network)?.debt ?? 0) / 2
    const client = this.#younger.get(network) ?? { debt: earlier }
    client.debt += 1
    this.#younger.set(network, client)
    return client
  }

  #renew(now: number): void {
    this.#older = this.#younger
    this.#younger = new Map()
    this.#bornAt = now
  }
}

/** The check that is next: of the client that owes least, its oldest one, or its newest one. */
export function nextOf<Of extends WaitingCheck>(
  waiting: Iterable<Of>,
  newest: boolean,
): Of | undefined {
  let next: Of | undefined
  for (const one of waiting) {
    const rest = next === undefined ? 1 : next.client.debt - one.client.debt
    if (rest > 0 || (newest && rest === 0)) next = one
  }
  return next
}

/** The check that gives up its place: the oldest one of the client that owes most. */
export function lastOf<Of extends WaitingCheck>(waiting: Iterable<Of>): Of | undefined {
  let last: Of | undefined
  for (const one of waiting) {
    if (last === undefined || one.client.debt > last.client.debt) last = one
  }
  return last
}

// Put together again: a text that was cut out of a header keeps the whole header in memory.
function networkOf(address = ''): string {
  if (V4.test(address)) return address.split('.').join('.')
  const bare = address.replace(/%.*$/s, '')
  const url = `http://[${bare}]/`
  if (!V6.test(bare) || !URL.canParse(url)) return ''
  const text = new URL(url).hostname.slice(1, -1)
  const zeros = '0:'.repeat(8 - text.split(':').filter(Boolean).length)
  const groups = text.replace('::', `:${zeros}`).split(':').filter(Boolean)
  const isV4 = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff'
  return (isV4 ? groups.slice(6) : groups.slice(0, 4)).join(':')
}
