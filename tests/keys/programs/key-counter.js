// Checks a key several times, as a server does, stays for a while, and ends. A test runs several at once.
import { createKeyEndpoint } from '../../../dist/keys.js'

const [file = '', key = '', count = '0', stayMs = '0', end = ''] = process.argv.slice(2)
/** Prints the uses later, as a database would write them. */
const store = {
  find: (sha256) => ({ id: key, principal: key, attributes: {}, sha256 }),
  addUse: async (uses) => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    console.log(uses[0].checks)
  },
}
const endpoint = createKeyEndpoint(file === '' ? { store } : { file })
const headers = { 'content-type': 'application/json' }
const body = JSON.stringify({ api_key: key, request: { path: '/', headers: {}, params: {} } })
for (let index = 0; index < Number(count); index += 1) {
  const { status } = await endpoint(new Request('http://x/', { method: 'POST', headers, body }))
  if (status !== 200) throw new Error(`The endpoint answered ${status}`)
}
await new Promise((resolve) => setTimeout(resolve, Number(stayMs)))
if (end === 'exit') process.exit()
