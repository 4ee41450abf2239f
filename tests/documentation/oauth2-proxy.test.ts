/** @module-tag slow */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { afterAll, describe, expect, it } from 'vitest'
import { gatewayCommand } from '../../src/cli/commands/gateway.ts'
import { createKey } from '../../src/keys.ts'
import { at, readRecording } from '../recorded/recording.ts'
import { startRecordedService } from '../recorded/service.ts'
import { whyMissing } from '../support/installed.ts'
import { close, listen } from '../support/loopback.ts'
import { PROGRAMS, startApp, startProxy } from '../forward-auth/proxied-app.ts'
import { serveCommand, stopCommands } from '../support/served-command.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { pageNamed } from './pages.ts'
import type { ServerResponse } from 'node:http'
import type { Keycloak } from '../recorded/recordings.ts'

/** The nginx of `docs/servers/oauth2-proxy.md`, before the gateway and a program that does what oauth2-proxy does. */

const PAGE = pageNamed('docs/servers/oauth2-proxy.md')
const block = (part: string): string =>
  PAGE.fences.find(({ code }) => code.includes(part))?.code ?? ''
const keycloak = readRecording<Keycloak>('keycloak')
const pathOf = setupFolder()
const missing = whyMissing(...PROGRAMS.nginx)

/** Passes a request on with the access token of the session. */
async function pass(url: string, response: ServerResponse): Promise<void> {
  const headers = { 'x-forwarded-access-token': keycloak.tokens['password'] ?? '' }
  const { status } = await fetch(url, { headers })
  response.writeHead(status).end()
}

afterAll(stopCommands)

describe.skipIf(missing !== undefined)(
  `docs/servers/oauth2-proxy.md: ${missing ?? 'nginx'}`,
  () => {
    it('lets in browsers by their session and programs by their key, and rejects a made-up header', () =>
      at(keycloak.recordedAt, async () => {
        const app = await startApp()
        const issuer = await startRecordedService(() => ({ body: JSON.stringify(keycloak.keys) }))
        const { key } = await createKey(pathOf('keys.yaml'), { principal: 'robot' })
        const file = block('type: api_keys')
          .replace('keys.yaml', pathOf('keys.yaml'))
          .replace('https://login.example.com/', keycloak.issuer)
          .replace('discovery: true', `jwks: { uri: "http://127.0.0.1:${issuer.port}/certs" }`)
        writeFileSync(pathOf('run.yaml'), file)
        const upstream = `http://127.0.0.1:${app.port}`
        const args = ['--config', pathOf('run.yaml'), '--upstream', upstream]
        const gateway = await serveCommand(gatewayCommand, args).listening()
        // A session of oauth2-proxy, or a redirect to the login.
        const proxy = createServer(({ url, headers }, response) => {
          const isLoggedIn = headers.cookie === '_oauth2_proxy=alice'
          if (isLoggedIn) void pass(`${gateway}${url ?? ''}`, response)
          else response.writeHead(302).end()
        })
        const ports = { app: await listen(proxy), auth: Number(new URL(gateway).port) }
        const front = await startProxy('nginx', ports, () =>
          block('map $http_authorization').replace('4180', '8000').replace('8320', '8323'),
        )
        const ask = async (headers: Record<string, string>) => {
          app.reached.length = 0
          const { status } = await fetch(`${front.url}/a`, { headers, redirect: 'manual' })
          const [{ fields } = { fields: [] }] = app.reached
          return [status, fields.find(([name]) => name === 'x-auth-principal')?.[1]]
        }
        const forged = { 'x-auth-principal': 'root', 'x-forwarded-user': 'root' }
        const stolen = { 'x-forwarded-access-token': 'token' }
        expect(await ask({ ...forged, authorization: `Bearer ${key}` })).toEqual([200, 'robot'])
        expect(await ask({ ...forged, cookie: '_oauth2_proxy=alice' })).toEqual([200, ALICE])
        expect(await ask({ ...forged, ...stolen })).toEqual([302, undefined])
        expect(await ask({ ...forged, ...stolen, authorization: 'Basic x' })).toEqual([
          401,
          undefined,
        ])
        expect(await ask({ ...forged, authorization: 'Bearer wrong' })).toEqual([401, undefined])
        await Promise.all([front.stop(), close(proxy), issuer.stop(), app.close()])
      }))
  },
)

const ALICE = 'e435c314-f409-4881-9e54-c7058a45b30f'
