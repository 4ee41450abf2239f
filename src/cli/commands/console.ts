import { readWholeNumber, rejectOperands } from '../command-line.ts'
import { ANNOUNCE_OPTION } from '../announcement.ts'
import { KEYS_OPTION, requireKeys, withKeys } from '../key-place.ts'
import { EXIT } from '../surroundings.ts'
import { readWatchPlace, WATCH_VARIABLES } from '../watch/place.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const PORT = 8324

export const consoleCommand: Command = {
  name: 'console',
  usage: '--keys FILE [OPTIONS]',
  summary: 'serve a page on this machine that manages keys and shows decisions',
  details:
    'The page is for one person. The printed link works once, for 60 seconds. In a terminal, Enter prints another one, which ends the session before it when it is opened.',
  environment: WATCH_VARIABLES,
  examples: [
    'with-auth console --keys keys.yaml',
    'with-auth console --keys keys.yaml --watch watch.sock',
  ],
  options: {
    ...KEYS_OPTION,
    ...ANNOUNCE_OPTION,
    watch: {
      value: 'PATH|HOST:PORT',
      help: 'show decisions live: the value of --watch-socket of the gateway or the endpoint',
    },
    port: { value: 'PORT', help: 'the port on 127.0.0.1; 0 picks a free one', default: PORT },
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const port = readWholeNumber(line, 'port', 0, 65_535) ?? PORT
  const watched = line.text('watch')
  const watch = watched === undefined ? undefined : readWatchPlace('--watch', watched, surroundings)
  return withKeys(line, surroundings, async (keys) => {
    await requireKeys(keys)
    // No other command needs it.
    const { serveConsole } = await import('../console/serve-console.ts')
    await serveConsole({ keys, port, watch, line, surroundings })
    return EXIT.ok
  })
}
