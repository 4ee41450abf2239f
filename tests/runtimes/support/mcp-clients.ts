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

  clientInformation = (): { client_id: string } | undefined => ({ client_id: 'notes-app' })
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

/** An application that no one has registered. */
export class UnknownApplication extends Application {
  #client: { client_id: string } | undefined
  override readonly clientMetadata = {
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  }

  override clientInformation = (): { client_id: string } | undefined => this.#client
  saveClientInformation = (client: { client_id: string }): void => void (this.#client = client)
}

/** A client of the SDK. */
export interface McpClient {
  readonly application: Application
  /** The names of the tools. */
  tools: () => Promise<string[]>
  /** Calls a tool. Returns the text of its result. */
  call: (name: string, input?: Record<string, string>) => Promise<string>
  close: () => Promise<void>
}

/** Connects to an MCP server, and logs in if that is needed. */
export type Connect = (
  url: string,
  fetch: typeof globalThis.fetch,
  application?: Application,
) => Promise<McpClient>

interface Options {
  readonly authProvider: Application
  readonly fetch: typeof globalThis.fetch
}

interface Client {
  callTool: (call: { name: string; arguments?: Record<string, string> }) => Promise<object>
  listTools: () => Promise<{ tools: readonly { name: string }[] }>
  close: () => Promise<void>
}

interface Generation<Transport> {
  createTransport: (url: URL, options: Options) => Transport
  connect: (transport: Transport) => Promise<Client>
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

function connectBy<Transport>(generation: Generation<Transport>): Connect {
  return async (url, fetch, application = new Application()) => {
    const create = (): Transport =>
      generation.createTransport(new URL(url), { authProvider: application, fetch })
    let transport = create()
    const withLogin = async <Value>(action: () => Promise<Value>): Promise<Value> => {
      const before = application.asked.length
      try {
        return await action()
      } catch (error) {
        const { asked, returned } = application
        if (returned === undefined || asked.length === before) throw error
        await generation.finish(transport, returned.searchParams)
        // Once only: a client must not log in for ever.
        return action()
      }
    }
    const client = await withLogin(() => generation.connect((transport = create())))
    const call: McpClient['call'] = async (name, input) => {
      const result = await client.callTool({ name, ...(input && { arguments: input }) })
      return (result as { content: [{ text: string }] }).content[0].text
    }
    return {
      application,
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: (name, input) => withLogin(() => call(name, input)),
      close: () => client.close(),
    }
  }
}
