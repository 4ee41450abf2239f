import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGateway } from '../src/gateway.ts'
import { withAuth } from '../src/index.ts'
import { exchange } from './support/raw-client.ts'
import { PATH_ROWS } from './runtimes/raw-requests/path-rows.ts'
import { get, TOKEN } from './runtimes/raw-requests/row.ts'
import { TARGET_ROWS } from './runtimes/raw-requests/target-rows.ts'
import { whyMissing } from './support/installed.ts'
import { close, findFreePort, listen } from './support/loopback.ts'
import { spawnProgram } from './support/spawned-program.ts'
import type { Server } from 'node:net'
import type { SpawnedProgram } from './support/spawned-program.ts'

/** nginx decodes and resolves paths itself. No request may leave the base path of the gateway's upstream. */

const ROWS = [...PATH_ROWS, ...TARGET_ROWS]
const missing = whyMissing(['nginx', '-v'], 'nginx')

describe.skipIf(missing !== undefined)(
  `a real nginx below a base path${missing === undefined ? '' : `: ${missing}`}`,
  () => {
    let folder: string
    let nginx: SpawnedProgram
    let nginxUrl: string
    let gateway: Server
    let gatewayUrl: string

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'with-auth-nginx-'))
      const port = await findFreePort()
      nginxUrl = `http://127.0.0.1:${port}`
      writeFileSync(join(folder, 'nginx.conf'), configure(folder, port))
      nginx = spawnProgram('nginx', ['-c', join(folder, 'nginx.conf')], { cwd: folder })
      await nginx.printed(/start worker process \d/)
      const fetch = withAuth(createGateway({ upstream: `${nginxUrl}/base` }), {
        verifier: ({ token }) => ({ outcome: token === 'good' ? 'allow' : 'deny' }),
      })
      gateway = createAdaptorServer({ fetch })
      gatewayUrl = `http://127.0.0.1:${await listen(gateway)}`
    })
    afterAll(async () => {
      nginx.kill('SIGTERM')
      await nginx.ended
      await close(gateway)
      rmSync(folder, { recursive: true })
    })

    const serve = async (url: string, target: string): Promise<string | undefined> =>
      (await exchange(url, get(target, TOKEN)))?.body

    it.each(['/base/..%2fadmin', '/base/x/..%2f..%2fadmin', '/base/%2e%2e/admin'])(
      'resolves %s to a path outside the base path without the gateway',
      async (target) => {
        expect(await serve(nginxUrl, target)).toBe('outside: /admin')
      },
    )

    it.each([
      ['/', '/base/'],
      ['/admin', '/base/admin'],
      ['/v1/models/meta%2Fllama', '/base/v1/models/meta/llama'],
      ['/x/../admin', '/base/admin'],
    ])('gets %s through the gateway, and serves %s', async (target, path) => {
      expect(await serve(gatewayUrl, target)).toBe(`inside: ${path}`)
    })

    it.each(ROWS.map((row) => [row.title, row] as const))(
      'serves nothing outside its base path: %s',
      async (_name, { variants }) => {
        const responses = await Promise.all(
          variants.map(({ bytes }) => exchange(gatewayUrl, bytes)),
        )
        const served = responses.map((response) => response?.body ?? '')
        expect(served.filter((body) => body.includes('outside'))).toEqual([])
      },
    )
  },
)

function configure(folder: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
worker_processes 1;
error_log stderr notice;
pid ${folder}/nginx.pid;
events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    location / { return 200 "outside: $uri"; }
    location /base/ { return 200 "inside: $uri"; }
  }
}
`
}
