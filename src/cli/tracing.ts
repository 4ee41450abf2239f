import { createRequire } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { property } from '../core/runtime.ts'
import { reasonOf } from '../files/system.ts'
import { createTracing } from '../telemetry/spans.ts'
import type { BeginSpan } from '../core/seams.ts'
import type { OpenTelemetry } from '../telemetry/spans.ts'
import type { Surroundings } from './surroundings.ts'

const API = '@opentelemetry/api'
const REGISTERED = Symbol.for('opentelemetry.js.api.1')

/**
 * Makes spans if an SDK of OpenTelemetry was loaded before the command, by its API: that of this package, else that in the working
 * directory, where the SDK was found. Without it a note says so, and the command makes no span.
 */
export function findTracing({ note }: Pick<Surroundings, 'note'>): BeginSpan | undefined {
  if (property(Reflect.get(globalThis, REGISTERED), 'trace') === undefined) return undefined
  const folder = process.cwd()
  let missing: unknown
  for (const place of [import.meta.url, join(folder, 'package.json')]) {
    try {
      return createTracing(createRequire(place)(API) as OpenTelemetry, false)
    } catch (error) {
      missing = error
    }
  }
  note(
    `with-auth: OpenTelemetry is loaded, and ${API} is neither beside with-auth nor in ${folder} (${reasonOf(missing)}): no span is made. Install it: npm install ${API}\n`,
  )
  return undefined
}
