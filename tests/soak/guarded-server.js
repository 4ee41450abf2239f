// The server under test: the built package with a watched config file.
import { serve } from 'srvx'
import { getAuth, withAuth } from '../../dist/index.js'
import { watchConfig } from '../../dist/yaml.js'

const [configPath] = process.argv.slice(2)
const counts = { reloads: 0, brokenReloads: 0, events: 0 }

function handler(request) {
  const { principal, stale } = getAuth(request)
  return Response.json({ principal, stale })
}

function guard(config) {
  return withAuth(handler, { ...config, onEvent: () => void (counts.events += 1) })
}

const watch = await watchConfig(configPath, {
  intervalMs: 100,
  onChange(config) {
    counts.reloads += 1
    guarded = guard(config)
  },
  onError() {
    counts.brokenReloads += 1
  },
})
let guarded = guard(watch.config)

const server = serve({
  fetch: (request) => guarded(request),
  hostname: '127.0.0.1',
  port: 0,
  silent: true,
  gracefulShutdown: false,
})
await server.ready()
process.on('message', (message) => {
  if (message !== 'counts') return
  // The first collection leaves buffers that only the second frees.
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  process.send({ counts: { ...counts, memoryMb: (heapUsed + external) / 1_048_576 } })
})
process.on('disconnect', () => process.exit())
process.send({ port: Number(new URL(server.url).port) })
