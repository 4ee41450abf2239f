// Loaded before an example that runs on Node: says which free port it got, as not all of them do.
import { subscribe } from 'node:diagnostics_channel'

subscribe('tracing:net.server.listen:asyncEnd', ({ server }) => {
  const { address, port } = server.address()
  if (address !== '::1') console.log(`Listening on http://127.0.0.1:${port}/`)
})
