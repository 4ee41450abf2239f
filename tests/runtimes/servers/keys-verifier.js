import { getAuth, withAuth } from 'with-auth'
import { keys } from 'with-auth/keys'

let guarded

export default {
  // Workers hand their environment over; the others have it in `process`.
  fetch(request, env) {
    const text = env?.KEYS_TEXT ?? process.env.KEYS_TEXT
    guarded ??= withAuth((admitted) => Response.json(getAuth(admitted)), {
      verifier: keys(text === undefined ? { file: process.env.KEYS_FILE } : { text }),
      unavailableStatus: 503,
    })
    return guarded(request)
  },
}
