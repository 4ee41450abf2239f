import app from './bodies.js'

// Bun's own limit is 128 MB, and it refuses what is over it before any handler.
export default { ...app, maxRequestBodySize: 512 * 1024 * 1024 }
