import { UsageError, wrongValue } from '../errors.ts'
import { showFile } from '../shown-value.ts'
import type { Surroundings } from '../surroundings.ts'

/** Where decisions are watched: a Unix socket, or a loopback port and the secret that its watchers must have. */
export type WatchPlace =
  | { readonly path: string }
  | { readonly host: string; readonly port: number; readonly secret: string }

export const WATCH_VARIABLES = {
  WITH_AUTH_WATCH_SECRET: 'the secret for watching decisions at a port, 16 to 1024 characters',
} as const

const LOOPBACK = /^(?:\[(::1)\]|(127\.0\.0\.\d{1,3})):(\d{1,5})$/
const HOST_AND_PORT = /^[^/\\]*:[^/\\]*$/
const SECRET = /^[\x21-\x7e]{16,1024}$/
// A name of 103 bytes fits everywhere, and the socket is made in a folder beside its place.
const LONGEST_PATH = 90

/** Reads the value of `--watch-socket` or `--watch`. Throws `UsageError`. */
export function readWatchPlace(
  flag: string,
  text: string,
  { env }: Pick<Surroundings, 'env'>,
): WatchPlace {
  const [, six, four, digits] = LOOPBACK.exec(text) ?? []
  const [host, port] = [six ?? four, Number(digits)]
  if (host !== undefined && port <= 65_535)
    return { host, port, secret: readSecret(flag, text, env) }
  if (HOST_AND_PORT.test(text)) {
    throw wrongValue(flag, text, 'a path, or a loopback address such as 127.0.0.1:9330')
  }
  if (Buffer.byteLength(text) <= LONGEST_PATH) return { path: text }
  throw new UsageError(
    `${flag} must be a path of at most ${LONGEST_PATH} bytes, because the names of sockets are short: received ${showFile(text)}`,
  )
}

function readSecret(flag: string, text: string, env: Surroundings['env']): string {
  const secret = env['WITH_AUTH_WATCH_SECRET']
  if (secret !== undefined && SECRET.test(secret)) return secret
  const form = '16 to 1024 visible ASCII characters (it is not shown)'
  throw new UsageError(
    secret === undefined
      ? `${flag} ${text} needs a secret in WITH_AUTH_WATCH_SECRET, because every user of the machine can connect to a port`
      : `WITH_AUTH_WATCH_SECRET must be ${form}`,
  )
}
