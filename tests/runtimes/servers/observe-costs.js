import { memoryCache, withAuth } from 'with-auth'
import { observe } from 'with-auth/otel'

// Prints what `observe` adds to a cached hit without an SDK: the median of rounds that alternate, in microseconds of the processor,
// since on a busy machine the clock would show the work of others.

const ROUNDS = 41
const HITS = 5000
const request = new Request('http://h/', { headers: { authorization: 'Bearer sk-good' } })

function guard(config) {
  const verifier = () => ({ outcome: 'allow', principal: 'ada' })
  const cache = memoryCache({ allowTtlMs: 3_600_000 })
  return withAuth(() => 'in', { verifier, context: { headers: [] }, cache, ...config })
}

function measure(guarded) {
  const before = process.cpuUsage()
  for (let hit = 0; hit < HITS; hit += 1) guarded(request)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / HITS
}

const [plain, observed] = [guard({}), guard({ onEvent: observe() })]
await Promise.all([plain(request), observed(request)])
const added = Array.from({ length: ROUNDS }, () => measure(observed) - measure(plain))
console.log(added.toSorted((one, other) => one - other)[Math.floor(ROUNDS / 2)])
