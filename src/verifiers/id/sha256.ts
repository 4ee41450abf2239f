const BLOCK = 64
const WORDS = 64

/** The SHA-256 of a text in hexadecimal (FIPS 180-4). The platform has it only as a promise, and an id must be there at once. */
export function sha256(text: string): string {
  const state = Uint32Array.from(rootsOf(2).slice(0, 8))
  const bytes = padded(new TextEncoder().encode(text))
  for (let at = 0; at < bytes.length; at += BLOCK) {
    compress(state, new DataView(bytes.buffer, at, BLOCK))
  }
  return [...state].map((one) => one.toString(16).padStart(8, '0')).join('')
}

// Behind the text come a bit, zeros, and its length in bits.
function padded(text: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil((text.length + 9) / BLOCK) * BLOCK)
  bytes.set(text)
  bytes[text.length] = 0x80
  new DataView(bytes.buffer).setUint32(bytes.length - 4, text.length * 8)
  return bytes
}

function compress(state: Uint32Array, block: DataView): void {
  const words = new Uint32Array(WORDS)
  for (let at = 0; at < WORDS; at += 1)
    words[at] = at < 16 ? block.getUint32(4 * at) : mix(words, at)
  let [a, b, c, d, e, f, g, h] = [...state] as Eight
  ROOTS.forEach((root, at) => {
    const choice = (e & f) ^ (~e & g)
    const first =
      (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + root + word(words, at)) | 0
    const majority = (a & b) ^ (a & c) ^ (b & c)
    const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0
    ;[a, b, c, d, e, f, g, h] = [(first + second) | 0, a, b, c, (d + first) | 0, e, f, g]
  })
  for (const [at, value] of [a, b, c, d, e, f, g, h].entries()) state[at] = word(state, at) + value
}

type Eight = [number, number, number, number, number, number, number, number]

function mix(words: Uint32Array, at: number): number {
  const [two, fifteen] = [word(words, at - 2), word(words, at - 15)]
  const late = turn(two, 17) ^ turn(two, 19) ^ (two >>> 10)
  const early = turn(fifteen, 7) ^ turn(fifteen, 18) ^ (fifteen >>> 3)
  return word(words, at - 16) + early + word(words, at - 7) + late
}

function word(words: Uint32Array, at: number): number {
  return words[at] ?? 0
}

function turn(value: number, by: number): number {
  return (value >>> by) | (value << (32 - by))
}

/** The first 32 bits behind the point of the square roots, or cube roots, of the first 64 primes. */
function rootsOf(degree: 2 | 3): readonly number[] {
  const primes: number[] = []
  for (let n = 2; primes.length < WORDS; n += 1)
    if (primes.every((p) => n % p !== 0)) primes.push(n)
  return primes.map((prime) => (prime ** (1 / degree) % 1) * 2 ** 32)
}

const ROOTS = Uint32Array.from(rootsOf(3))
