// For memory.test.ts: `node --expose-gc long-tokens.js <url of the package> <count>` sends tokens of 8 KB, each with 50 KB of query, which
// the endpoint denies or allows. Prints the growth of the heap in bytes after a forced collection.
import { heap, makeRequest } from './heap.js'

const { memoryCache, withAuth } = await import(process.argv[2])

const TOKENS = Number(process.argv[3])
const pad = (id, length) => String(id).padStart(length, 'x')

async function grow(outcome) {
  const cache = memoryCache()
  const guarded = withAuth(() => 'allowed', {
    verifier: () => ({ outcome }),
    context: { headers: [] },
    cache,
  })
  const before = await heap()
  for (let id = 0; id < TOKENS; id += 1) {
    await guarded(
      makeRequest(`/?q=${pad(id, 50_000)}`, { authorization: `Bearer ${pad(id, 8000)}` }),
    )
  }
  const bytes = (await heap()) - before
  // Keeps the cache alive until here.
  cache.clear()
  return bytes
}

process.stdout.write(JSON.stringify([await grow('deny'), await grow('allow')]))
