import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** How long a link works. */
export const CODE_MS = 60_000
const SESSION_MS = 8 * 3_600_000
const TRIES = 5

interface Secret {
  readonly hash: Uint8Array
  readonly endsAt: number
}

/** The code of the newest link, and the session that a code began. There is one of each: the console is for one person. */
export class SignIn {
  #code: Secret | undefined
  #triesLeft = 0
  #session: Secret | undefined

  /** Makes the code of a link. The link before it no longer works. */
  makeCode(): string {
    const code = randomText()
    this.#code = secretOf(code, CODE_MS)
    this.#triesLeft = TRIES
    return code
  }

  /** Uses up a code. Returns the token of a session, which ends the session before it; `undefined` for a wrong code. */
  redeem(code: string): string | undefined {
    this.#triesLeft -= 1
    const isRight = isSame(this.#code, code)
    if (isRight || this.#triesLeft <= 0) this.#code = undefined
    if (!isRight) return undefined
    const token = randomText()
    this.#session = secretOf(token, SESSION_MS)
    return token
  }

  isSignedIn(token: string): boolean {
    return isSame(this.#session, token)
  }
}

function randomText(): string {
  return randomBytes(32).toString('base64url')
}

function secretOf(text: string, lifetimeMs: number): Secret {
  // The clock of the day goes on while the machine sleeps.
  return { hash: hash(text), endsAt: Date.now() + lifetimeMs }
}

// Hashes are of one length, as a comparison in constant time needs.
function isSame(secret: Secret | undefined, text: string): boolean {
  if (secret === undefined || Date.now() >= secret.endsAt) return false
  return timingSafeEqual(secret.hash, hash(text))
}

function hash(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
