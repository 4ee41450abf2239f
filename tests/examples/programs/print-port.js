// Loaded before an example on Node. It prints the free port, which not all examples do.
import { subscribe } from 'node:diagnostics_channel'

subscribe('tracing:net.server.listen:asyncEnd', ({ server }) => {
  const { address, port } = server.address()
  if (address !== '::1') console.log(`Listening on http://127.0.0.1:${port}/`)
})
