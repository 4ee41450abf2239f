// The gates for Node only, with other ways to send the POST.
import { Agent, request as requestOverHttp } from 'node:http'
import { request as requestOverUndici } from 'undici'
import { withAuth } from 'with-auth'
import { auth } from 'with-auth/hono'
import { nodeTransport } from 'with-auth/node'
import { GATES, answer, honoApp, honoPost, postGate } from './gates.js'

function postByHttp(endpoint) {
  const agent = new Agent({ keepAlive: true })
  const headers = { 'content-type': 'application/json' }
  return (body) =>
    new Promise((resolve, reject) => {
      const options = { agent, method: 'POST', headers }
      const sent = requestOverHttp(endpoint, options, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode))
      })
      sent.on('error', reject)
      sent.end(body)
    })
}

function postByUndici(endpoint) {
  const headers = { 'content-type': 'application/json' }
  return async (body) => {
    const response = await requestOverUndici(endpoint, { method: 'POST', headers, body })
    await response.body.dump()
    return response.statusCode
  }
}

export const NODE_GATES = {
  ...GATES,
  'post-http': (endpoint) => postGate(postByHttp(endpoint)),
  'post-undici': (endpoint) => postGate(postByUndici(endpoint)),
  'post-hono-undici': (endpoint) => honoApp(honoPost(postByUndici(endpoint))),
  transported: (endpoint) => withAuth(answer, { endpoint, fetch: nodeTransport() }),
  'transported-hono': (endpoint) => honoApp(auth({ endpoint, fetch: nodeTransport() })),
}
