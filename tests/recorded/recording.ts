import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** A request or a file that a real server decided about, and what ours makes of it. */
export interface Case {
  /** The question. */
  readonly of: string
  readonly recorded: string
  readonly ours: string
}

/** Serves a handler on this machine, and returns the port. */
export type Serve = (handler: (request: Request) => Response | Promise<Response>) => Promise<number>

/** An answer and a decision of a real server. */
export function readRecording<Recording>(name: string): Recording {
  const file = new URL(`data/${name}.json.gz`, import.meta.url)
  return JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as Recording
}

/** Runs a replay at the time of its recording, so that its tokens have not ended. */
export async function at<Result>(time: number, replay: () => Promise<Result>): Promise<Result> {
  const { now } = Date
  const startedAt = performance.now()
  Date.now = () => time + performance.now() - startedAt
  try {
    return await replay()
  } finally {
    Date.now = now
  }
}
