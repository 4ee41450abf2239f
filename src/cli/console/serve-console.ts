import { resolveConfig } from '../../core/config/parse.ts'
import { withAuth } from '../../core/with-auth.ts'
import { loadConfig } from '../../yaml.ts'
import { prepareAnnouncement } from '../announcement.ts'
import { MAX_AGE_SECONDS } from '../commands/endpoint.ts'
import { nameFlag } from '../errors.ts'
import { peerAddressOf } from '../gateway/client-address.ts'
import { configForKeys } from '../gateway/guard-config.ts'
import { describeRevocation, revocationBounds } from '../revocation-bounds.ts'
import { listen, nameAddress, serveUntilStopped } from '../serving/serve.ts'
import { createApi } from './api.ts'
import { guardOrigin } from './front.ts'
import { SignIn } from './sign-in.ts'
import type { CommandLine } from '../command-line.ts'
import type { OpenedKeys } from '../key-place.ts'
import type { FetchHandler } from '../serving/serve.ts'
import type { Surroundings } from '../surroundings.ts'
import type { WatchPlace } from '../watch/place.ts'
import type { RevocationNotice } from './api.ts'

interface ConsoleOptions {
  readonly keys: OpenedKeys
  readonly port: number
  readonly watch: WatchPlace | undefined
  readonly line: CommandLine
  readonly surroundings: Surroundings
}

const HOST = '127.0.0.1'
// Nothing is worth waiting for.
const DRAIN_MS = 0
const PUBLIC = ['/', '/console.css', '/console.js', { path: '/session', methods: ['POST'] }]

/** Serves the page until a stop signal, and prints its link. */
export async function serveConsole(options: ConsoleOptions): Promise<void> {
  const { keys, port, watch, line, surroundings } = options
  const signIn = new SignIn()
  const app = createApi({
    keys,
    signIn,
    prepareAnnouncement: () => prepareAnnouncement(line),
    revocation: await readRevocation(line, keys),
    watch,
  })
  const guarded = withAuth((request: Request) => app.fetch(request), {
    verifier: ({ token }) => ({ outcome: signIn.isSignedIn(token) ? 'allow' : 'deny' }),
    public: PUBLIC,
    realm: 'console',
  })
  let handler: FetchHandler = notYet
  const address = { host: HOST, port }
  const serving = await listen((request) => handler(request), address).catch(nameAddress(address))
  handler = guardOrigin(serving.url, guarded)
  try {
    const stopped = serveUntilStopped([serving], surroundings, DRAIN_MS)
    printLinks(serving.url, signIn, options)
    await stopped
  } finally {
    await serving.close('now')
  }
}

/** The port is not known yet. */
function notYet(): Response {
  return new Response(null, { status: 503 })
}

function printLinks(url: string, signIn: SignIn, { line, surroundings }: ConsoleOptions): void {
  const { print, note, onEnter } = surroundings
  const printLink = (): void => {
    // Servers and logs never see a fragment.
    const link = `${url}/#code=${signIn.makeCode()}`
    if (line.has('json')) print(`${JSON.stringify({ type: 'listening', url, link })}\n`)
    else print(`${link}\n`)
  }
  const canAsk = onEnter(printLink)
  if (!line.has('json')) {
    const again = canAsk ? 'Enter prints another one' : 'start the command again for another one'
    note(`with-auth: open this link within 60 s; it works once, and ${again}. Ctrl-C stops:\n`)
  }
  printLink()
}

/** How long the gateway, or the servers of `--config`, may accept a revoked key. */
async function readRevocation(line: CommandLine, keys: OpenedKeys): Promise<RevocationNotice> {
  const file = line.text('config')
  const config =
    file === undefined
      ? await configForKeys(keys, {})
      : await loadConfig(file, { accessPolicy: 'upstream' }).catch(nameFlag('--config', file))
  const resolved = resolveConfig(config, peerAddressOf)
  const { revokedKeyWorksForMs: acceptedForMs } = revocationBounds(resolved)
  const text = describeRevocation(resolved)
  if (file !== undefined || acceptedForMs === null) return { acceptedForMs, text }
  return {
    acceptedForMs: Math.max(acceptedForMs, MAX_AGE_SECONDS * 1000),
    text: `at a server or a gateway with these keys ${text}; behind "with-auth endpoint" it works for its --max-age, ${MAX_AGE_SECONDS} s by default`,
  }
}
