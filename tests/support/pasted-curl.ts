import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const hasCurl = spawnSync('curl', ['--version']).status === 0 && process.platform !== 'win32'

/** Runs a curl line in a shell and returns its output. Without curl, `fetch` sends the same request. */
export async function paste(line: string): Promise<string> {
  if (!hasCurl) return fetchLine(line)
  // Without HOME and proxy variables curl ignores the user's .curlrc and proxy.
  const env = { PATH: process.env['PATH'], NO_PROXY: '*' }
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', line], { env })
  return stdout
}

/** Prints like `curl -sw "\n%{http_code}\n"` prints. */
async function fetchLine(line: string): Promise<string> {
  const url = line.split(' ').at(-1) ?? ''
  const authorization = /-H "Authorization: ([^"]*)"/.exec(line)?.[1]
  const headers = authorization === undefined ? {} : { authorization }
  const response = await fetch(url, { headers })
  return `${await response.text()}\n${response.status}\n`
}
