import { Application, GENERATIONS } from './mcp-clients.ts'

/** The script of a page: logs in at an MCP server, and reports to the origin of the page what it could read. */

/** A response, with what the browser lets a page of another origin read. */
export interface Read {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly challenge: string | null
  readonly session: string | null
}

/** The text of the page. */
export interface Report {
  readonly error?: string
  readonly said?: string
  readonly tools?: readonly string[]
  readonly asked: readonly Readonly<Record<string, string>>[]
  readonly responses: readonly Read[]
}

/** The page stays where it is, and its own server logs the user in. */
class PageApplication extends Application {
  override async redirectToAuthorization(url: URL): Promise<void> {
    this.asked.push(Object.fromEntries(url.searchParams))
    this.returned = new URL(await tell('/log-in', url.href))
  }
}

const { searchParams } = new URL(import.meta.url)
const resource = searchParams.get('resource') ?? ''
const connect = GENERATIONS[searchParams.get('generation') ?? '']
const application = new PageApplication()
const responses: Read[] = []

const fetchAndNote: typeof fetch = async (input, init) => {
  const { url, method } = new Request(input, init)
  const response = await fetch(input, init)
  const { status, headers } = response
  if (!url.startsWith(new URL(resource).origin)) return response
  const [challenge, session] = [headers.get('www-authenticate'), headers.get('mcp-session-id')]
  responses.push({ method, path: new URL(url).pathname, status, challenge, session })
  return response
}

async function tell(path: string, body: string): Promise<string> {
  const response = await fetch(new URL(path, import.meta.url), { method: 'POST', body })
  return response.text()
}

async function callTool(): Promise<Omit<Report, 'asked' | 'responses'>> {
  try {
    if (connect === undefined) throw new Error('There is no such generation of the SDK')
    const client = await connect(resource, fetchAndNote, application)
    const [tools, said] = [await client.tools(), await client.call('hello')]
    await client.close()
    return { tools, said }
  } catch (error) {
    return { error: String(error) }
  }
}

const report: Report = { ...(await callTool()), asked: application.asked, responses }
await tell('/report', JSON.stringify(report))
