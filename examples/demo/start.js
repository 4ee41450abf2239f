import { randomBytes } from 'node:crypto'
import { createApi } from './api.js'
import { createAuthEndpoint, hashKey } from './auth-endpoint.js'
import { listen } from './listen.js'

const key = `demo_${randomBytes(32).toString('base64url')}`
const owner = { principal: 'alice', attributes: { roles: ['reader'] } }

const authEndpoint = await listen(createAuthEndpoint([{ sha256: hashKey(key), ...owner }]), 8322)
const endpointUrl = `${authEndpoint.url}/validate`
const api = await listen(createApi(endpointUrl).fetch, 8321)

const guide = `
  API            ${api.url}
  auth endpoint  ${endpointUrl}

Paste these into another terminal. Without a key:

${await showCall({})}

With a wrong key:

${await showCall({ Authorization: 'Bearer wrong-key' })}

With the right key, which was made for this run and is kept nowhere:

${await showCall({ Authorization: `Bearer ${key}` })}

With that key ${api.url}/v1/chat streams; ${api.url}/ needs none.
Ctrl-C stops both servers.
`

// Until here a signal ends the process at once. npm passes on the Ctrl-C that the terminal has sent already, so two come.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop())
process.stdout.write(guide)

/**
 * A curl line, and what it answers: it is asked for here, so that what is printed is what happens.
 *
 * @param {Record<string, string>} headers
 */
async function showCall(headers) {
  const url = `${api.url}/v1/me`
  const options = Object.entries(headers).map(([name, value]) => `-H "${name}: ${value}" `)
  const response = await fetch(url, { headers })
  return `  curl -sw "\\n%{http_code}\\n" ${options.join('')}${url}

  ${await response.text()}
  ${response.status}`
}

async function stop() {
  await Promise.all([api.close(), authEndpoint.close()])
}
