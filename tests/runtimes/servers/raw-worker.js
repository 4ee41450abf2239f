import { createFetch } from './raw-programs.js'

let guarded

export default {
  fetch(request, env, ctx) {
    guarded ??= createFetch(env.PROGRAM, env.AUTH_ENDPOINT)
    return guarded(request, env, ctx)
  },
}
