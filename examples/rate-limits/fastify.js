// npm install fastify @fastify/rate-limit ioredis with-auth && AUTH_ENDPOINT=https://auth.example.com/validate node fastify.js
import { createHash } from 'node:crypto'
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { auth } from 'with-auth/fastify'

const { REDIS_URL, PORT = 3000 } = process.env
const redis = REDIS_URL && new Redis(REDIS_URL, { commandTimeout: 500, maxRetriesPerRequest: 1 })
const store = redis && { redis, nameSpace: 'limit:' }

function keyGenerator({ auth: { principal, tenant = '' }, headers }) {
  if (principal !== undefined) return `principal:${tenant}:${principal}`
  const token = headers.authorization.replace(/^bearer +/i, '')
  return `token:${createHash('sha256').update(token).digest('hex')}`
}

const app = Fastify()
app.addHook('onRequest', auth())
await app.register(rateLimit, { timeWindow: 60_000, max: 10, keyGenerator, ...store })
app.get('/v1/notes', async (request) => ({ principal: request.auth.principal }))
await app.listen({ port: Number(PORT) })
