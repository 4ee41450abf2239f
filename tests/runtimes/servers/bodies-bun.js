import app from './bodies.js'

// Bun's own limit is 128 MB. It rejects larger bodies before any handler.
export default { ...app, maxRequestBodySize: 512 * 1024 * 1024 }
