// Prints the bytes of heap per cached decision, for each kind of identity.
import { memoryCache, withAuth } from 'with-auth'
import { MANY_TOKENS } from './tokens.js'

const IDENTITIES = {
  'no identity': {},
  'a principal': { principal: 'ada' },
  'a principal and a role': { principal: 'ada', attributes: { roles: ['admin'] } },
}

async function ask(guarded, token) {
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

async function measure(identity) {
  const cache = memoryCache({ allowTtlMs: 3_600_000 })
  const guarded = withAuth(() => undefined, {
    verifier: () => ({ outcome: 'allow', ...identity }),
    context: { headers: [], params: 'none', path: false },
    cache,
  })
  // The first pass only compiles the code.
  for (const token of MANY_TOKENS) await ask(guarded, token)
  cache.clear()
  const before = await readHeap()
  for (const token of MANY_TOKENS) await ask(guarded, token)
  const after = await readHeap()
  // Keeps the cache alive until here.
  cache.clear()
  return (after - before) / MANY_TOKENS.length
}

const bytes = {}
for (const [name, identity] of Object.entries(IDENTITIES)) bytes[name] = await measure(identity)
console.log(JSON.stringify(bytes))
