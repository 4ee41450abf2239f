import { readFileSync } from 'node:fs'
import { EdgeRuntime, runServer } from 'edge-runtime'

const { AUTH_ENDPOINT } = process.env
const runtime = new EdgeRuntime({
  initialCode: readFileSync('edge.js', 'utf8'),
  // As on Vercel: the variables, and nothing else of Node.
  extend: (context) => Object.assign(context, { process: { env: { AUTH_ENDPOINT } } }),
})
const { url } = await runServer({ runtime, host: '127.0.0.1', port: 0 })
console.log(`Listening on ${url}`)
