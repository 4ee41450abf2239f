/** An IP address. Those of IPv4 in IPv6 form (`::ffff:1.2.3.4`) are of IPv4. */
export interface Address {
  /** In its one canonical spelling. */
  readonly text: string
  readonly value: bigint
  readonly bits: 32 | 128
}

/** The addresses whose first `length` bits are those of `value`. */
export interface Network extends Pick<Address, 'value' | 'bits'> {
  readonly length: number
}

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const V4 = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`)
const V6 = /^(?=.*:)([\da-f:.]{2,45})(?:%[\w.~-]{1,64})?$/i
const NETWORK = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/

/** Reads an address without a port. A zone (`%eth0`) is left out. */
export function parseAddress(text: string): Address | undefined {
  const octets = V4.exec(text)?.slice(1)
  if (octets !== undefined) return addressOfV4(toNumber(octets.map(Number), 8n))
  const [, bare] = V6.exec(text) ?? []
  return bare === undefined ? undefined : parseV6(bare)
}

/** Reads a network in CIDR notation. One address is a network too, and the bits after the length may be set. */
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

// The URL parser checks an IPv6 address, and compresses it (RFC 5952).
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
