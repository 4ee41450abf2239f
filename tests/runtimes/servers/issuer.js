// Keys and tokens by WebCrypto, as an issuer makes them.

export const AUDIENCE = 'https://api.example.com'

const PARAMETERS = {
  RS256: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  PS256: {
    name: 'RSA-PSS',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    saltLength: 32,
  },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
}

export async function createKey(alg, kid) {
  const parameters = PARAMETERS[alg]
  const pair = await crypto.subtle.generateKey(parameters, true, ['sign', 'verify'])
  const { kty, crv, n, e, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  // JSON leaves out what another kind of key has.
  const jwk = JSON.parse(JSON.stringify({ kty, crv, n, e, x, y, kid, use: 'sig' }))
  return { alg, kid, jwk, parameters, privateKey: pair.privateKey }
}

export function goodClaims(issuer) {
  return { iss: issuer, aud: AUDIENCE, sub: 'alice', exp: Math.floor(Date.now() / 1000) + 36_000 }
}

export async function sign(key, claims, header = {}) {
  const whole = { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }
  const input = `${encodeJson(whole)}.${encodeJson(claims)}`
  const bytes = new TextEncoder().encode(input)
  const signature = await crypto.subtle.sign(key.parameters, key.privateKey, bytes)
  return `${input}.${encode(new Uint8Array(signature))}`
}

function encodeJson(value) {
  return encode(new TextEncoder().encode(JSON.stringify(value)))
}

function encode(bytes) {
  const base64 = btoa(String.fromCharCode(...bytes))
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
