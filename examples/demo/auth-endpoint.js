import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * What the endpoint keeps of a key: its hash, so that whoever reads the list learns no key.
 *
 * @typedef {object} KnownKey
 * @property {Uint8Array} sha256
 * @property {string} principal
 * @property {Record<string, string[]>} attributes
 */

// Well above the longest headers that servers take, which are most of a question.
const MAX_BODY_BYTES = 256 * 1024

/**
 * Makes an auth endpoint: a Fetch handler that is sent `{"api_key", "request": {"path", "headers", "params"}}` and
 * answers 200 with who the caller is, or 401. Only a 200 lets a request through; the other statuses tell whoever calls
 * the endpoint by hand what is wrong.
 *
 * @param {readonly KnownKey[]} knownKeys
 * @returns {(request: Request) => Promise<Response>}
 */
export function createAuthEndpoint(knownKeys) {
  return async (request) => {
    if (request.method !== 'POST') return refuse(405, { allow: 'POST' })
    if (!isJson(request.headers.get('content-type'))) return refuse(415)
    const apiKey = await readApiKey(request)
    if (apiKey === undefined) return refuse(400)
    const presented = hashKey(apiKey)
    const known = knownKeys.find(({ sha256 }) => timingSafeEqual(sha256, presented))
    if (known === undefined) return refuse(401)
    return Response.json({ principal: known.principal, attributes: known.attributes })
  }
}

/**
 * Keys are random, so one round of a fast hash is enough; hashes are equally long, as `timingSafeEqual` needs them.
 *
 * @param {string} key
 * @returns {Uint8Array}
 */
export function hashKey(key) {
  return createHash('sha256').update(key).digest()
}

/**
 * @param {number} status
 * @param {Record<string, string>} headers
 */
function refuse(status, headers = {}) {
  return new Response(null, { status, headers })
}

// Browsers send no JSON to another site without asking it first, so no web page can try keys here.
/** @param {string | null} contentType */
function isJson(contentType) {
  return contentType !== null && /^application\/json[\t ]*(?:;|$)/i.test(contentType)
}

/**
 * @param {Request} request
 * @returns {Promise<string | undefined>} `undefined` for a body that is too long, breaks off or breaks the contract.
 */
async function readApiKey(request) {
  try {
    /** @type {unknown} */
    const question = JSON.parse(await readText(request))
    if (typeof question !== 'object' || question === null) return undefined
    const apiKey = 'api_key' in question ? question.api_key : undefined
    return typeof apiKey === 'string' ? apiKey : undefined
  } catch {
    return undefined
  }
}

/** @param {Request} request */
async function readText(request) {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) throw new RangeError('Body is too long')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
