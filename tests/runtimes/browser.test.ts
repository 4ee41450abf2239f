import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { whyMissing } from '../support/installed.ts'
import { close, findFreePort, listen } from '../support/loopback.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import { findNode } from './support/binaries.ts'
import { bundle } from './support/bundle.ts'
import { logIn } from './support/log-in.ts'
import { GENERATIONS } from './support/mcp-clients.ts'
import { startOidcIssuer } from './support/oidc.ts'
import { onSrvx } from './support/served-program.ts'
import { startServer } from './support/server-process.ts'
import type { Server } from 'node:http'
import type { Report } from './support/mcp-page.ts'
import type { RunningServer } from './support/server-process.ts'

/** Pages in Chromium, with both generations of the MCP SDK, and an MCP server behind `with-auth gateway --cors-origin`. */

const missing = whyMissing(['chromium', '--version'], 'chromium')
const NODE = findNode('24')
const METADATA = '/.well-known/oauth-protected-resource/mcp'

describe.skipIf(missing !== undefined)(
  `an MCP client in a browser${missing === undefined ? '' : `: ${missing}`}`,
  () => {
    let folder: string
    let issuer: RunningServer
    let upstream: RunningServer
    let gateway: RunningServer
    let pages: { listed: Site; other: Site }

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'with-auth-browser-'))
      const script = join(folder, 'page.js')
      const source = join(import.meta.dirname, 'support/mcp-page.ts')
      await bundle(source, script, ['--platform=browser', '--format=esm'])
      pages = { listed: await serveSite(script), other: await serveSite(script) }
      issuer = await startOidcIssuer(inject('app'))
      upstream = await onSrvx(NODE, 'mcp-sessions.js')(inject('app'), {})
      gateway = await startGateway()
    })
    afterAll(async () => {
      await Promise.all([gateway, upstream, issuer].map((server) => server.stop()))
      await Promise.all([close(pages.listed.server), close(pages.other.server)])
      rmSync(folder, { recursive: true, force: true })
    })

    async function startGateway(): Promise<RunningServer> {
      const port = await findFreePort()
      const resource = `http://127.0.0.1:${port}/mcp`
      const config = join(folder, 'run.yaml')
      writeFileSync(
        config,
        `server:
  auth:
    provider_config:
      type: oauth2_token
      issuer: ${issuer.url}
      audience: ${resource}
      discovery: true
    resource:
      identifier: ${resource}
      authorization_servers: [${issuer.url}]
      require: ['notes:read']
`,
      )
      const command = join(inject('app'), 'node_modules/with-auth/dist/cli.js')
      const options = ['--config', config, '--upstream', upstream.url, `--port=${port}`]
      const args = [command, 'gateway', ...options, '--cors-origin', pages.listed.origin]
      return startServer({ binary: NODE, args, cwd: folder, env: {} })
    }

    async function open(site: Site, generation: string): Promise<Report> {
      const query = new URLSearchParams({ generation, resource: `${gateway.url}/mcp` })
      const profile = mkdtempSync(join(folder, 'profile-'))
      const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run']
      const args = [...flags, `--user-data-dir=${profile}`, `${site.origin}/?${query}`]
      const browser = spawnProgram('chromium', args, { cwd: folder })
      const ended = browser.ended.then(() => Promise.reject(new Error(browser.stderr())))
      try {
        return await Promise.race([site.nextReport(), ended])
      } finally {
        browser.kill('SIGTERM')
        await browser.ended
        await ended.catch(() => undefined)
      }
    }

    it.each(Object.keys(GENERATIONS))(
      'finds the login from the 401, logs in, and calls a tool: %s',
      async (generation) => {
        const { error, said, tools, asked, responses } = await open(pages.listed, generation)
        expect(error).toBeUndefined()
        expect([tools, said]).toEqual([['hello'], 'hello alice'])
        expect(asked).toMatchObject([{ scope: 'notes:read', resource: `${gateway.url}/mcp` }])
        const challenge = `Bearer realm="api", scope="notes:read", resource_metadata="${gateway.url}${METADATA}"`
        expect(responses).toContainEqual(expect.objectContaining({ status: 401, challenge }))
        expect(responses).toContainEqual(
          expect.objectContaining({ method: 'GET', path: METADATA, status: 200 }),
        )
        const session = expect.stringMatching(/^[\da-f-]{36}$/) as string
        expect(responses).toContainEqual(expect.objectContaining({ status: 200, session }))
      },
    )

    it.each(Object.keys(GENERATIONS))(
      'reads nothing in a page of another origin: %s',
      async (generation) => {
        const { error, asked, responses } = await open(pages.other, generation)
        expect(error).toContain('Failed to fetch')
        expect([asked, responses]).toEqual([[], []])
      },
    )
  },
)

interface Site {
  readonly server: Server
  readonly origin: string
  /** The report of the page that is opened next. */
  readonly nextReport: () => Promise<Report>
}

/** Serves a page with the script, logs users in for it, and takes its report. */
async function serveSite(script: string): Promise<Site> {
  let report: (said: Report) => void
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      const { pathname, search } = new URL(request.url ?? '', 'http://127.0.0.1')
      response.setHeader('content-type', pathname === '/page.js' ? 'text/javascript' : 'text/html')
      if (pathname === '/page.js') return response.end(readFileSync(script))
      if (pathname === '/log-in') return response.end((await logIn(new URL(body))).href)
      if (pathname === '/report') report(JSON.parse(body) as Report)
      return response.end(`<script type="module" src="/page.js${search}"></script>`)
    })
  })
  const origin = `http://127.0.0.1:${await listen(server)}`
  const nextReport = (): Promise<Report> => new Promise((resolve) => (report = resolve))
  return { server, origin, nextReport }
}
