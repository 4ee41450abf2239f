import { writeFileSync } from 'node:fs'
import { loadConfig, watchConfig } from 'with-auth/yaml'

const [file, pipe] = process.argv.slice(2)
const loaded = await loadConfig(file)
const missing = await loadConfig(`${file}.no`).catch(({ problems }) => problems[0].message)
const piped = await loadConfig(pipe).catch(({ problems }) => problems[0].message)
// As if the pipe took the place of the file after the look at it.
const files = process.getBuiltinModule('node:fs/promises')
const { stat } = files
files.stat = () => stat(file)
const swapped = await loadConfig(pipe).catch(({ problems }) => problems[0].message)
files.stat = stat
// The watch does not keep the process alive.
const alive = setInterval(() => undefined, 1000)
const config = await new Promise((onChange, onError) => {
  const written = () =>
    writeFileSync(file, 'server: { auth: { endpoint: https://other.example/ } }')
  watchConfig(file, { onChange, onError, intervalMs: 20 }).then(written, onError)
})
clearInterval(alive)
console.log(JSON.stringify({ loaded, missing, piped, swapped, config }))
