import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { startAuthEndpoint } from '../support/auth-endpoint.ts'
import { DENO, locate } from './support/binaries.ts'
import { send } from './support/http.ts'
import { runProgram, RUNTIMES } from './support/run-program.ts'
import { onEach, onWorkerd } from './support/served-program.ts'
import { TOKEN } from '../support/token.ts'
import type { AuthEndpoint } from '../support/auth-endpoint.ts'
import type { Start } from './support/served-program.ts'
import type { RunningServer } from './support/server-process.ts'

const PROGRAM = 'yaml-text.js'
// The last two are the YAML parser's own.
const MAY_READ = '--allow-env=RUN_YAML,AUTH_URL,SECRET,LOG_STREAM,LOG_TOKENS'
const SERVERS: readonly (readonly [name: string, start: Start])[] = [
  ...onEach(PROGRAM, MAY_READ),
  ['workerd with nodejs_compat', onWorkerd(PROGRAM, 'nodejs_compat')],
]

const GOOD = `
server:
  auth:
    endpoint: \${env.AUTH_URL}
    endpoint_headers: { x-secret: '\${env.SECRET}' }
    realm: 0123
`

let endpoint: AuthEndpoint
let server: RunningServer | undefined
beforeAll(async () => void (endpoint = await startAuthEndpoint()))
afterAll(() => endpoint.close())
afterEach(async () => {
  await server?.stop()
  server = undefined
})

async function ask(token: string): Promise<string> {
  const url = server?.url ?? ''
  const headers = { authorization: `Bearer ${token}`, connection: 'close' }
  const { status, body } = await send(url, { target: '/', headers })
  const { error } = status === 200 ? { error: { code: body } } : (JSON.parse(body) as Refusal)
  return `${status} ${error.code}`
}

interface Refusal {
  readonly error: { readonly code: string }
}

describe.each(SERVERS)('a config out of YAML on %s', (_, start) => {
  it('guards, with what the environment gives', async () => {
    server = await start(inject('app'), { RUN_YAML: GOOD, AUTH_URL: endpoint.url, SECRET: '0042' })
    endpoint.received.length = 0
    expect([await ask(TOKEN), await ask('bad')]).toEqual(['200 in', '401 denied'])
    expect(endpoint.received.map(({ headers }) => headers['x-secret'])).toEqual(['0042', '0042'])
  })
})

const run = promisify(execFile)
const NAMED_PIPE = 'The file cannot be read: it is a named pipe, not a regular file'

it.each(RUNTIMES)(
  'a file is loaded and watched, a pipe is not, and the watch lets the process end, on $name',
  async (binary) => {
    const folder = mkdtempSync(join(inject('app'), 'yaml-'))
    const file = join(folder, 'run.yaml')
    writeFileSync(file, 'server: { auth: { endpoint: https://auth.example.com/ } }')
    const pipe = join(folder, 'pipe')
    await run('mkfifo', [pipe])
    const files = [`--allow-read=${folder}`, `--allow-write=${folder}`]
    const permissions = [...files, '--allow-env=LOG_STREAM,LOG_TOKENS']
    expect(await runProgram(binary, ['yaml-file.js', file, pipe], { permissions })).toEqual({
      loaded: { endpoint: 'https://auth.example.com/' },
      missing: 'The file cannot be read: it does not exist',
      piped: NAMED_PIPE,
      swapped: NAMED_PIPE,
      config: { endpoint: 'https://other.example/' },
    })
  },
)

it('what Deno does not permit is named', async () => {
  const load = (file: string): string =>
    `import { loadConfig } from 'with-auth/yaml'; await loadConfig('${file}').catch((error) => console.log(error.message))`
  const program = join(inject('app'), 'yaml-denied.js')
  writeFileSync(program, load('yaml-file.js'))
  const denied = async (...permissions: string[]): Promise<string> => {
    const args = ['run', '--no-prompt', ...permissions, program]
    const options = { cwd: inject('app'), env: { HOME: inject('app'), NO_COLOR: '1' } }
    return (await run(locate(DENO), args, options)).stdout
  }
  expect(await denied()).toContain('permit it (on Deno, --allow-read)')
  expect(await denied('--allow-read=.')).toContain('--allow-env=LOG_STREAM,LOG_TOKENS')
})
