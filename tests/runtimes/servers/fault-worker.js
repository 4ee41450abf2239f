import { createFetch } from './fault-guards.js'

const fetch = createFetch()
export default { fetch: (request) => fetch(request) }
