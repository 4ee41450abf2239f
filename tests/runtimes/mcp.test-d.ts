import { createMcpHandler } from '@modelcontextprotocol/server'
import { mcpAuthInfo } from '../../src/mcp.ts'
import { fits, request } from '../support/types.ts'
import type { AuthInfo as AuthInfo1 } from '@modelcontextprotocol/sdk/server/auth/types.js'
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { AuthInfo as AuthInfo2, McpServerFactory } from '@modelcontextprotocol/server'
import type { McpAuthInfo } from '../../src/mcp.ts'

export function bothGenerationsOfTheSdkTakeIt(
  transport: WebStandardStreamableHTTPServerTransport,
  factory: McpServerFactory,
): void {
  const authInfo: McpAuthInfo = mcpAuthInfo(request)
  fits<AuthInfo1>(authInfo)
  fits<AuthInfo2>(authInfo)
  void transport.handleRequest(request, { authInfo })
  void createMcpHandler(factory).fetch(request, { authInfo })
  // @ts-expect-error -- neither takes a list that cannot change
  fits<AuthInfo1>({ ...authInfo, scopes: ['a'] as readonly string[] })
}
