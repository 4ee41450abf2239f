// For memory.test.ts: `node --expose-gc full-cache.js <url of the package> <maxEntries>` fills a cache with identities of each
// shape in turn and prints the growth of the heap in bytes after a forced collection.
import { heap, makeRequest } from './heap.js'

const { memoryCache, withAuth } = await import(process.argv[2])

const MAX_ENTRIES = Number(process.argv[3])
const MAX_BYTES = 3355 * MAX_ENTRIES
const LEAST_ENTRY = 256
// A token has at most 64 entries.
const PATHS = 50

const texts = (count, text) => Array.from({ length: count }, (_, index) => text(index))
const SHAPES = {
  'no attributes': () => ({}),
  'one role': (id) => ({ principal: `user-${id}`, attributes: { roles: ['admin'] } }),
  '100 attributes of one short text': (id) => ({
    attributes: Object.fromEntries(texts(100, (index) => [`a${index}`, [`v${id}`]])),
  }),
  'one attribute of 1,000 short texts': (id) => ({
    attributes: { roles: texts(1000, (index) => `r${index}-${id}`) },
  }),
}

const requestOf = (id) =>
  makeRequest(`/${id % PATHS}`, { authorization: `Bearer sk-${Math.floor(id / PATHS)}` })

async function fill(identity) {
  let id = 0
  const cache = memoryCache({ maxEntries: MAX_ENTRIES })
  const guarded = withAuth(() => 'allowed', {
    // Identities from an endpoint share no strings.
    verifier: () => ({ outcome: 'allow', ...JSON.parse(JSON.stringify(identity(id))) }),
    context: { headers: [], params: 'none' },
    cache,
  })
  const before = await heap()
  const count = (2 * MAX_BYTES) / Math.max(LEAST_ENTRY, JSON.stringify(identity(0)).length)
  for (; id < count; id += 1) await guarded(requestOf(id))
  const bytes = (await heap()) - before
  // Keeps the cache alive until here.
  cache.clear()
  return bytes
}

const found = {}
for (const [name, identity] of Object.entries(SHAPES)) {
  // The first run only compiles the code.
  await fill(identity)
  found[name] = await fill(identity)
}
process.stdout.write(JSON.stringify(found))
