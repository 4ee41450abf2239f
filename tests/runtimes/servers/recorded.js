// Replays what real servers decided, and prints the cases that are decided differently without a reason.
import { REPLAYS, undecided } from './recorded/replays.js'

const every = Number(process.argv[2])

const replayed = []
for (const one of REPLAYS) {
  const cases = await one.replay(serve, every)
  replayed.push({ name: one.name, undecided: undecided(one, cases) })
}
process.stdout.write(JSON.stringify(replayed), () => process.exit(0))

function serve(fetch) {
  const options = { fetch, port: 0, hostname: '127.0.0.1' }
  if (globalThis.Bun) return Bun.serve(options).port
  return Deno.serve({ ...options, onListen: () => undefined }, fetch).addr.port
}
