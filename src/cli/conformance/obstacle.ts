import { asksForSecret } from '../../core/endpoint/verdict.ts'
import { isRedirect } from './finding.ts'
import type { Obstacle } from './finding.ts'
import type { ProbeOutcome } from './probe.ts'

const BY_CODE: Readonly<Record<string, Obstacle>> = {
  ECONNREFUSED: {
    why: 'nothing listens there',
    change: 'start the endpoint, or correct the host and the port of URL',
  },
  ENOTFOUND: { why: 'its host is unknown', change: 'correct the host of URL' },
  EAI_AGAIN: {
    why: 'the name server cannot resolve its host',
    change: 'correct the host of URL, or the name server of this machine',
  },
  EHOSTUNREACH: { why: 'no route leads to its host', change: 'correct the host of URL' },
  ENETUNREACH: { why: 'no route leads to its network', change: 'correct the host of URL' },
  CERT_HAS_EXPIRED: { why: 'its certificate has expired', change: 'renew the certificate' },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    why: 'its certificate is for another host',
    change: 'use a host name of the certificate in URL, or add this one to the certificate',
  },
  ...sameFor(
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'CERT_UNTRUSTED',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    ],
    {
      why: 'its certificate is not trusted here',
      change: 'send the whole chain, or trust its authority here: NODE_EXTRA_CA_CERTS=ca.pem',
    },
  ),
  ...sameFor(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'], {
    why: 'the TLS handshake failed',
    change: 'begin URL with http:// if this port has no TLS, or correct the port',
  }),
  HPE_INVALID_CONSTANT: {
    why: 'the server there does not speak HTTP',
    change: 'correct the host and the port of URL: another service listens there',
  },
  BAD_PORT: {
    why: 'fetch blocks this port',
    change: 'serve the endpoint on another port, such as 8080',
  },
}

const CLOSED = new Set(['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE'])

/** Why the first answer cannot come from an auth endpoint, or `undefined`. */
export function obstacleAtStart(outcome: ProbeOutcome, url: string): Obstacle | undefined {
  const { silence } = outcome
  return silence === undefined ? obstacleOfAnswer(outcome) : obstacleOfSilence(silence, url)
}

/** Why no later question makes sense, or `undefined`. */
export function obstacleLater({ silence }: ProbeOutcome, what: string): Obstacle | undefined {
  if (silence === undefined) return undefined
  const change = `answer ${what} too: the endpoint answered every question before`
  return { why: 'the endpoint stopped answering', change }
}

function obstacleOfSilence(
  { reason, code = '' }: NonNullable<ProbeOutcome['silence']>,
  url: string,
): Obstacle {
  if (reason === 'timeout') {
    const change = 'check for a firewall, or raise --timeout-ms for a slow endpoint'
    return { why: 'no answer came in time', change }
  }
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined
  if (known !== undefined) return { ...known, why: `${known.why} (${code})` }
  if (!CLOSED.has(code)) {
    const why = code === '' ? 'the connection failed' : `the connection failed (${code})`
    return { why, change: 'correct URL, or the network between this machine and the endpoint' }
  }
  const isPlain = /^http:/i.test(url)
  const change = isPlain
    ? 'begin URL with https:// if this port has TLS, or look into the log of the endpoint'
    : 'look into the log of the endpoint, and of the proxy in front of it'
  return { why: `the connection closed without an answer (${code})`, change }
}

function obstacleOfAnswer(answer: ProbeOutcome): Obstacle | undefined {
  const { status } = answer
  if (isRedirect(answer)) {
    const change =
      'give the final URL: the wrapper follows no redirect, because that would send the key elsewhere'
    return { why: `the endpoint redirects (${status})`, change }
  }
  if (status === 404 || status === 410) {
    const change = 'correct the path of URL; if it is right, give a key that the endpoint knows'
    return { why: `nothing is under this URL (${status})`, change }
  }
  if (status === 405 || status === 501) {
    const change = 'correct the path of URL, or accept POST under it'
    return { why: `this URL accepts no POST (${status})`, change }
  }
  if (status >= 502 && status <= 504) {
    const change = 'start the endpoint, or look into the log of the proxy in front of it'
    return { why: `the endpoint is unavailable (${status})`, change }
  }
  if (status === 500 && asksForSecret(answer.body ?? '')) {
    const change = 'set WITH_AUTH_ENDPOINT_SECRET to its secret'
    return { why: 'the endpoint requires the header x-auth-secret', change }
  }
  if (status !== 200 || !isWebPage(answer)) return undefined
  const change = 'correct URL: a web page that always answers 200 allows every key'
  return { why: 'a web page answered', change }
}

// PHP and Express label an empty body or "ok" as text/html, so the type counts only if the body was not read.
function isWebPage({ headers, body }: ProbeOutcome): boolean {
  if (body !== undefined) return /^\s*<(?:!doctype html|html)\b/i.test(body)
  return headers.get('content-type')?.toLowerCase().startsWith('text/html') === true
}

function sameFor(codes: readonly string[], obstacle: Obstacle): Record<string, Obstacle> {
  return Object.fromEntries(codes.map((code) => [code, obstacle]))
}
