import { serve } from 'srvx'

/**
 * Serves a Fetch handler to this machine only: on the usual port, or on a free one when that is taken.
 *
 * @param {(request: Request) => Response | Promise<Response>} fetch
 * @param {number} usualPort
 * @returns {Promise<{ url: string, close: () => Promise<void> }>} `url` has no final slash.
 */
export async function listen(fetch, usualPort) {
  const server = await start(fetch, usualPort).catch((error) => {
    if (!isTaken(error)) throw error
    return start(fetch, 0)
  })
  // Idle connections and running streams would keep the process alive.
  return { url: new URL(server.url ?? '').origin, close: () => server.close(true) }
}

/**
 * @param {(request: Request) => Response | Promise<Response>} fetch
 * @param {number} port
 */
function start(fetch, port) {
  const options = { hostname: '127.0.0.1', port, silent: true, gracefulShutdown: false }
  return serve({ fetch, ...options }).ready()
}

// Windows answers EACCES for the ports that it keeps for itself.
/** @param {unknown} error */
function isTaken(error) {
  if (!(error instanceof Error) || !('code' in error)) return false
  return error.code === 'EADDRINUSE' || error.code === 'EACCES'
}
