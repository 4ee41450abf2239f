import { createFetch } from './raw-programs.js'

export default { fetch: createFetch(process.env.PROGRAM, process.env.AUTH_ENDPOINT) }
