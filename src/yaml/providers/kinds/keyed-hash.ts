/** The two halves of a hash of 64 bits. */
export type Hash = readonly [number, number]

interface State {
  a: number
  b: number
  c: number
  d: number
}

/** A key of 64 bits, drawn at random. */
export function drawKey(): Hash {
  const [first = 0, second = 0] = crypto.getRandomValues(new Int32Array(2))
  return [first, second]
}

/** HalfSipHash-2-4 with 64 bits: without the key a caller cannot make two texts collide. A character counts as a byte. */
export function hashText(text: string, [key0, key1]: Hash): Hash {
  const state = { a: key0, b: key1 ^ 0xee, c: key0 ^ 0x6c796765, d: key1 ^ 0x74656462 }
  const end = text.length - (text.length % 4)
  for (let at = 0; at < end; at += 4) compress(state, readWord(text, at))
  compress(state, (text.length << 24) | readWord(text, end))
  state.c ^= 0xee
  const first = finish(state)
  state.b ^= 0xdd
  return [first, finish(state)]
}

// Little-endian. A character past the end is NaN, which counts as 0.
function readWord(text: string, at: number): number {
  return (
    text.charCodeAt(at) |
    (text.charCodeAt(at + 1) << 8) |
    (text.charCodeAt(at + 2) << 16) |
    (text.charCodeAt(at + 3) << 24)
  )
}

function compress(state: State, word: number): void {
  state.d ^= word
  mix(state)
  mix(state)
  state.a ^= word
}

function finish(state: State): number {
  for (let round = 0; round < 4; round += 1) mix(state)
  return state.b ^ state.d
}

function mix(state: State): void {
  let { a, b, c, d } = state
  a = (a + b) | 0
  b = rotate(b, 5) ^ a
  a = rotate(a, 16)
  c = (c + d) | 0
  d = rotate(d, 8) ^ c
  a = (a + d) | 0
  d = rotate(d, 7) ^ a
  c = (c + b) | 0
  b = rotate(b, 13) ^ c
  c = rotate(c, 16)
  state.a = a
  state.b = b
  state.c = c
  state.d = d
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
