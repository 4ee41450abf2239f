import { writeFileSync } from 'node:fs'
import { loadConfig, watchConfig } from 'with-auth/yaml'

const [file] = process.argv.slice(2)
const loaded = await loadConfig(file)
const missing = await loadConfig(`${file}.no`).catch(({ problems }) => problems[0].message)
// The watch does not keep the process alive.
const alive = setInterval(() => undefined, 1000)
const config = await new Promise((onChange, onError) => {
  const written = () =>
    writeFileSync(file, 'server: { auth: { endpoint: https://other.example/ } }')
  watchConfig(file, { onChange, onError, intervalMs: 20 }).then(written, onError)
})
clearInterval(alive)
console.log(JSON.stringify({ loaded, missing, config }))
