const HMAC = { name: 'HMAC', hash: 'SHA-256' }
const encoder = new TextEncoder()

/** Proves that a watcher has the secret, which it does not send: another program may have taken the port. */
export async function answerChallenge(secret: string, nonce: string): Promise<string> {
  const proof = await crypto.subtle.sign('HMAC', await importSecret(secret), encoder.encode(nonce))
  return Buffer.from(proof).toString('hex')
}

/** Compares in constant time. */
export async function isAnswer(secret: string, nonce: string, answer: string): Promise<boolean> {
  const proof = Buffer.from(answer, 'hex')
  return crypto.subtle.verify('HMAC', await importSecret(secret), proof, encoder.encode(nonce))
}

function importSecret(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', encoder.encode(secret), HMAC, false, ['sign', 'verify'])
}
