import {
  Client as Client2,
  StreamableHTTPClientTransport as Transport2,
} from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { logIn } from './log-in.ts'
import type {
  OAuthClientProvider,
  OAuthDiscoveryState,
} from '@modelcontextprotocol/sdk/client/auth.js'
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'

/** An application with a user who logs in whenever the SDK asks. */
export class Application implements OAuthClientProvider {
  readonly redirectUrl = 'http://127.0.0.1/callback'
  readonly clientMetadata = { redirect_uris: [this.redirectUrl] }
  /** The parameters of each request for authorization. */
  readonly asked: Record<string, string>[] = []
  /** Where the last login returned to. */
  returned: URL | undefined
  #tokens: OAuthTokens | undefined
  #verifier = ''
  #discovered: OAuthDiscoveryState | undefined

  clientInformation = (): { client_id: string } => ({ client_id: 'notes-app' })
  tokens = (): OAuthTokens | undefined => this.#tokens
  saveTokens = (tokens: OAuthTokens): void => void (this.#tokens = tokens)
  codeVerifier = (): string => this.#verifier
  saveCodeVerifier = (verifier: string): void => void (this.#verifier = verifier)

  discoveryState = (): OAuthDiscoveryState | undefined => this.#discovered
  saveDiscoveryState = (state: OAuthDiscoveryState): void => void (this.#discovered = state)

  async redirectToAuthorization(url: URL): Promise<void> {
    this.asked.push(Object.fromEntries(url.searchParams))
    this.returned = await logIn(url)
  }
}

/** A client of the SDK. */
export interface McpClient {
  readonly application: Application
  /** What a tool saw of its caller. */
  call: (tool: string) => Promise<unknown>
  close: () => Promise<void>
}

/** Connects to an MCP server, and logs in if that is needed. */
export type Connect = (url: string, fetch: typeof globalThis.fetch) => Promise<McpClient>

interface Generation<Transport> {
  createTransport: (
    url: URL,
    options: { authProvider: Application; fetch: typeof fetch },
  ) => Transport
  connect: (
    transport: Transport,
  ) => Promise<Pick<Client1, 'close'> & { callTool: (params: { name: string }) => Promise<object> }>
  finish: (transport: Transport, returned: URLSearchParams) => Promise<void>
}

export const GENERATIONS: Readonly<Record<string, Connect>> = {
  'sdk 1.x': connectBy<Transport1>({
    createTransport: (url, options) => new Transport1(url, options),
    connect: async (transport) => {
      const client = new Client1({ name: 'test', version: '1.0.0' })
      await client.connect(transport)
      return client
    },
    finish: (transport, returned) => transport.finishAuth(returned.get('code') ?? ''),
  }),
  'client 2.x': connectBy<Transport2>({
    createTransport: (url, options) => new Transport2(url, options),
    connect: async (transport) => {
      const client = new Client2({ name: 'test', version: '1.0.0' })
      await client.connect(transport)
      return client
    },
    finish: (transport, returned) => transport.finishAuth(returned),
  }),
}

function connectBy<Transport>({
  createTransport,
  connect,
  finish,
}: Generation<Transport>): Connect {
  return async (url, fetch) => {
    const application = new Application()
    const create = (): Transport =>
      createTransport(new URL(url), { authProvider: application, fetch })
    /** Tries again after a login, once. */
    const withLogin = async <Value>(
      transport: Transport,
      attempt: () => Promise<Value>,
      again: () => Promise<Value>,
    ): Promise<Value> => {
      const before = application.asked.length
      try {
        return await attempt()
      } catch (error) {
        if (application.returned === undefined || application.asked.length === before) throw error
        await finish(transport, application.returned.searchParams)
        return await again()
      }
    }
    let transport = create()
    const client = await withLogin(
      transport,
      () => connect(transport),
      () => connect((transport = create())),
    )
    const call = async (name: string): Promise<unknown> => {
      const result = await client.callTool({ name })
      const [{ text }] = (result as { content: [{ text: string }] }).content
      return JSON.parse(text) as unknown
    }
    return {
      application,
      call: (tool) =>
        withLogin(
          transport,
          () => call(tool),
          () => call(tool),
        ),
      close: () => client.close(),
    }
  }
}
