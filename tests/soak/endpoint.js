// An auth endpoint in its own process, so that a test can kill it. It writes each verdict to a file before it responds.
import { openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'

const [port, ledgerPath, revokedKeys] = process.argv.slice(2)
const ledger = openSync(ledgerPath, 'a')
const revoked = new Set(JSON.parse(revokedKeys))
const held = new Set()
let mode = 'well'
let count = 0

const freedFrom = (waiting) => new Promise((_, reject) => waiting.add(reject))
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function decide(key) {
  const id = `${process.pid}-${(count += 1)}`
  const status = key.startsWith('allowed-') && !revoked.has(key) ? 200 : 401
  const now = Number(process.hrtime.bigint() / 1000n) / 1000
  writeSync(ledger, `${id} ${now} ${status} ${key}\n`)
  return { id, status }
}

async function answer(request, response) {
  const { api_key: key } = await json(request)
  if (mode === 'resetting') throw new Error('reset')
  if (mode === 'hanging') await freedFrom(held)
  if (mode === 'slow') await pause(150)
  const { id, status } = decide(key)
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(status === 200 ? JSON.stringify({ principal: id }) : undefined)
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => request.socket.destroy())
})

process.on('message', ({ become, revoke }) => {
  if (revoke !== undefined) revoked.add(revoke)
  if (become === undefined) return
  mode = become
  for (const giveUp of held) giveUp()
  held.clear()
})
process.on('disconnect', () => process.exit())
server.listen(Number(port), '127.0.0.1', () => process.send({ port: server.address().port }))
