// Prints how many bytes of heap a kept verdict takes.
import { withAuth } from 'with-auth'
import { MANY_TOKENS } from './tokens.js'

const guarded = withAuth(() => undefined, {
  verifier: () => ({ outcome: 'allow', principal: 'ada', attributes: { roles: ['admin'] } }),
  context: { headers: [], params: 'none', path: false },
  cache: { allowTtlMs: 3_600_000 },
})

async function ask(token) {
  const headers = { authorization: `Bearer ${token}` }
  await guarded(new Request('http://127.0.0.1/v1/models', { headers }))
}

async function readHeap() {
  for (let i = 0; i < 5; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    globalThis.gc()
  }
  return process.memoryUsage().heapUsed
}

// The code is compiled, and then forgets.
for (const token of MANY_TOKENS) await ask(token)
guarded.clear()
const before = await readHeap()
for (const token of MANY_TOKENS) await ask(token)
console.log((await readHeap()) - before)
console.log(MANY_TOKENS.length)
