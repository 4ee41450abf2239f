import { GATES } from './gates.js'

let handler

export default {
  fetch(request, env) {
    handler ??= GATES[env.GATE](env.AUTH_ENDPOINT)
    return handler(request, env)
  },
}
