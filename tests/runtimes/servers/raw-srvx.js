import { serve } from 'srvx'
import { createFetch } from './raw-programs.js'

const fetch = createFetch(process.env.PROGRAM, process.env.AUTH_ENDPOINT)
serve({ fetch, hostname: '127.0.0.1', port: 0, gracefulShutdown: false })
