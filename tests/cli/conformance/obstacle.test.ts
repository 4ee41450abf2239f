import { describe, expect, it } from 'vitest'
import { obstacleAtStart, obstacleLater } from '../../../src/cli/conformance/obstacle.ts'
import { answered, silent } from '../../support/probe-outcomes.ts'

const URL_ASKED = 'http://127.0.0.1/'
const WRONG_URL = 'correct URL, or the network between this machine and the endpoint'

// tests/runtimes/command.test.ts makes such connections on each runtime, whose codes differ.
describe('no answer', () => {
  const NO_ROUTE = 'correct the host of URL'
  const UNTRUSTED = 'its certificate is not trusted here'
  const CHAIN = 'send the whole chain, or trust its authority here: NODE_EXTRA_CA_CERTS=ca.pem'
  const NO_TLS = 'begin URL with http:// if this port has no TLS, or correct the port'
  const LOG = 'look into the log of the endpoint'

  it.each([
    ['ENOTFOUND', 'its host is unknown', NO_ROUTE],
    ['EHOSTUNREACH', 'no route leads to its host', NO_ROUTE],
    ['ENETUNREACH', 'no route leads to its network', NO_ROUTE],
    [
      'EAI_AGAIN',
      'the name server cannot resolve its host',
      'correct the host of URL, or the name server of this machine',
    ],
    ['CERT_HAS_EXPIRED', 'its certificate has expired', 'renew the certificate'],
    [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'its certificate is for another host',
      'use a host name of the certificate in URL, or add this one to the certificate',
    ],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', UNTRUSTED, CHAIN],
    ['SELF_SIGNED_CERT_IN_CHAIN', UNTRUSTED, CHAIN],
    ['CERT_UNTRUSTED', UNTRUSTED, CHAIN],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', UNTRUSTED, CHAIN],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNTRUSTED, CHAIN],
    ['EPROTO', 'the TLS handshake failed', NO_TLS],
    ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'the TLS handshake failed', NO_TLS],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'the TLS handshake failed', NO_TLS],
    [
      'HPE_INVALID_CONSTANT',
      'the server there does not speak HTTP',
      'correct the host and the port of URL: another service listens there',
    ],
    ['BAD_PORT', 'fetch blocks this port', 'serve the endpoint on another port, such as 8080'],
    ['EPIPE', 'the connection closed without an answer', `${LOG}, and of the proxy in front of it`],
    ['EWHATEVER', 'the connection failed', WRONG_URL],
    ['constructor', 'the connection failed', WRONG_URL],
  ])('with %s', (code, why, change) => {
    const url = 'https://a.example/?from=http://b.example/'
    const obstacle = { why: `${why} (${code})`, change }
    expect(obstacleAtStart(silent('unreachable', code), url)).toEqual(obstacle)
  })

  it('without a code, or from a port that may have TLS', () => {
    const why = 'the connection failed'
    expect(obstacleAtStart(silent('unreachable'), URL_ASKED)).toEqual({ why, change: WRONG_URL })
    const closed = obstacleAtStart(silent('unreachable', 'ECONNRESET'), 'HTTP://127.0.0.1/')
    expect(closed?.change).toBe(`begin URL with https:// if this port has TLS, or ${LOG}`)
  })

  it('after earlier answers, names the question', () => {
    expect(obstacleLater(silent('unreachable'), 'an empty "api_key"')).toEqual({
      why: 'the endpoint stopped answering',
      change: 'answer an empty "api_key" too: the endpoint answered every question before',
    })
  })
})

describe('an answer', () => {
  it.each([
    [404, 'nothing is under this URL (404)', /^correct the path of URL; if/],
    [410, 'nothing is under this URL (410)', /^correct the path of URL; if/],
    [405, 'this URL accepts no POST (405)', /accept POST/],
    [501, 'this URL accepts no POST (501)', /accept POST/],
    [502, 'the endpoint is unavailable (502)', /^start the endpoint/],
    [504, 'the endpoint is unavailable (504)', /^start the endpoint/],
  ])('%i: %s', (status, why, change) => {
    expect(obstacleAtStart(answered(status), URL_ASKED)).toEqual({
      why,
      change: expect.stringMatching(change),
    })
  })

  it.each([200, 201, 400, 401, 403, 422, 429, 500, 505])('%i is not an obstacle', (status) => {
    expect(obstacleAtStart(answered(status), URL_ASKED)).toBeUndefined()
  })

  const html = { 'content-type': 'Text/HTML; charset=utf-8' }
  it.each([
    ['<!doctype html><title>App</title>', {}],
    ['\n <HTML>', {}],
    [undefined, html],
  ])('recognizes a web page: %j with %j', (body, headers) => {
    expect(obstacleAtStart(answered(200, { body, headers }), URL_ASKED)).toEqual({
      why: 'a web page answered',
      change: 'correct URL: a web page that always answers 200 allows every key',
    })
  })

  // Flask sends a page with each 401. PHP labels every body as HTML.
  it.each([
    [401, '<!doctype html><title>401 Unauthorized</title>', html],
    [200, '', html],
    [200, 'ok', html],
    [200, '{"principal":"<html>"}', html],
    [200, '<htmlish>', html],
    [200, undefined, {}],
  ])('is not a web page: %i with %j and %j', (status, body, headers) => {
    expect(obstacleAtStart(answered(status, { body, headers }), URL_ASKED)).toBeUndefined()
  })
})
