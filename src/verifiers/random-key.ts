/** A key with 256 random bits, by which a server is asked whether it denies. No client has it. */
export function createRandomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return `random_${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** Whether a token has the form of such a key. Decides nothing: a denial of one just says nothing about the set-up. */
export function isRandomKey(token: string): boolean {
  return /^random_[\da-f]{64}$/.test(token)
}
