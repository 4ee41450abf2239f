// `serve-on-node.js <library> <program>` serves what a program exports by a library for Node, and prints where.
import process from 'node:process'

const [library, program] = process.argv.slice(2)
const { serve } = await import(library)
const { default: app } = await import(`./${program}`)
const fetch = typeof app === 'function' ? app : app.fetch
// srvx prints it by itself.
serve({ fetch, hostname: '127.0.0.1', port: 0, gracefulShutdown: false }, ({ port }) => {
  console.log(`Listening on http://127.0.0.1:${port}`)
})
