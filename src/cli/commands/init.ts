import { open, rm } from 'node:fs/promises'
import { reasonOf } from '../../files/system.ts'
import { rejectOperands } from '../command-line.ts'
import { EXIT } from '../surroundings.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const FILE = 'run.yaml'

export const initCommand: Command = {
  name: 'init',
  usage: '',
  summary: `write a commented ${FILE} into this folder`,
  details: `It never overwrites a file. The ${FILE} names the auth endpoint that "with-auth endpoint" serves on this machine.`,
  examples: ['with-auth init'],
  options: {},
  run,
}

async function run(line: CommandLine, { print }: Surroundings): Promise<number> {
  rejectOperands(line)
  await writeNewFile(FILE, START)
  print(line.has('json') ? `${JSON.stringify({ file: FILE })}\n` : NEXT)
  return EXIT.ok
}

async function writeNewFile(file: string, text: string): Promise<void> {
  // `wx` fails for a link as well, so no file elsewhere is written.
  const handle = await open(file, 'wx').catch((cause: unknown) => {
    throw new Error(explain(file, reasonOf(cause)), { cause })
  })
  try {
    await handle.writeFile(text)
  } catch (cause) {
    // Half a config could leave out what restricts.
    await rm(file, { force: true })
    throw new Error(explain(file, reasonOf(cause)), { cause })
  } finally {
    await handle.close()
  }
}

function explain(file: string, reason: string): string {
  return reason === 'EEXIST'
    ? `${file} exists already, and stays as it is: move it away, or edit it`
    : `Cannot write ${file}: ${reason}`
}

const NEXT = `Wrote ${FILE}. Edit it, then check and use it:

  npx with-auth config ${FILE}
  npx with-auth gateway --config ${FILE} --upstream http://127.0.0.1:8000

No auth endpoint yet? Create a key, and serve it in another terminal:

  npx with-auth keys create --keys keys.yaml --principal alice > key.txt
  npx with-auth endpoint --keys keys.yaml
`

const START = `# yaml-language-server: $schema=./node_modules/with-auth/schema.json
# All keys: https://github.com/OWNER/with-auth/blob/main/docs/yaml.md
server:
  auth:
    # The auth endpoint gets a POST about each request. Only the status 200 allows it.
    endpoint: http://127.0.0.1:8321

    # A secret in the environment that tells the endpoint who is asking.
    # endpoint_headers: { x-auth-secret: "\${env.WITH_AUTH_ENDPOINT_SECRET}" }

    # Use an allow again for 30 seconds. For as long a revoked key still works.
    # context: { headers: [] }
    # cache: { allow_ttl_ms: 30000 }

    # Paths that need no key.
    # public: [/docs/*]

    # Answer 503 while the endpoint is unavailable, so that clients keep their keys.
    # unavailable_status: 503

    # Decide and report, and reject nothing: to try it out.
    # mode: shadow
`
