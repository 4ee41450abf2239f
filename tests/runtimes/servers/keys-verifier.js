import { getAuth, withAuth } from 'with-auth'
import { keys } from 'with-auth/keys'

let guarded

export default {
  fetch(request) {
    guarded ??= withAuth((admitted) => Response.json(getAuth(admitted)), {
      verifier: keys({ file: process.env.KEYS_FILE }),
      unavailableStatus: 503,
    })
    return guarded(request)
  },
}
