/** An IP address. `::ffff:1.2.3.4` counts as IPv4. */
export interface Address {
  /** The canonical spelling. */
  readonly text: string
  readonly value: bigint
  readonly bits: 32 | 128
}

/** All addresses that share the first `length` bits of `value`. */
export interface Network extends Pick<Address, 'value' | 'bits'> {
  readonly length: number
}

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const V4 = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`)
const V6 = /^(?=.*:)([\da-f:.]{2,45})(?:%[\w.~-]{1,64})?$/i
const NETWORK = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/

/** Parses an address without a port. Drops a zone such as `%eth0`. */
export function parseAddress(text: string): Address | undefined {
  const octets = V4.exec(text)?.slice(1)
  if (octets !== undefined) return addressOfV4(toNumber(octets.map(Number), 8n))
  const [, bare] = V6.exec(text) ?? []
  return bare === undefined ? undefined : parseV6(bare)
}

/** Parses a network in CIDR notation, or a single address. Ignores the bits after the length. */
export function parseNetwork(text: string): Network | undefined {
  const [, start = '', length] = NETWORK.exec(text) ?? []
  const address = parseAddress(start)
  if (address === undefined) return undefined
  const { value, bits } = address
  if (length === undefined) return { value, bits, length: bits }
  const mapped = start.includes(':') && bits === 32 ? 96 : 0
  const own = Number(length) - mapped
  return own < 0 || own > bits ? undefined : { value, bits, length: own }
}

export function includes({ value, bits, length }: Network, address: Address): boolean {
  const rest = BigInt(bits - length)
  return address.bits === bits && address.value >> rest === value >> rest
}

function addressOfV4(value: bigint): Address {
  const octets = [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn)
  return { text: octets.join('.'), value, bits: 32 }
}

// The URL parser validates an IPv6 address and compresses it (RFC 5952).
function parseV6(bare: string): Address | undefined {
  const url = `http://[${bare}]/`
  if (!URL.canParse(url)) return undefined
  const text = new URL(url).hostname.slice(1, -1)
  const [head = [], tail = []] = text.split('::').map((part) => part.split(':').filter(Boolean))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  const groups = [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16))
  const value = toNumber(groups, 16n)
  return value >> 32n === 0xffffn ? addressOfV4(value & 0xffff_ffffn) : { text, value, bits: 128 }
}

function toNumber(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | BigInt(part), 0n)
}
