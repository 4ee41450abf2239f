import { fetch } from './fault-guards.js'

export default { fetch: (request) => fetch(request) }
