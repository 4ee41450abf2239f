import { resolveConfig } from '../core/config/parse.ts'
import { AuthConfigError } from '../core/errors.ts'
import { parseTarget } from '../core/request/target.ts'
import {
  createChannel,
  createConsole,
  observerOf,
  reportConfigError,
} from '../core/response/events.ts'
import { createMetadataAnswer } from '../core/response/resource-metadata.ts'
import { requireSynchronous } from '../core/handlers/config-source.ts'
import type { AuthConfigSource } from '../core/handlers/config-source.ts'
import type { MetadataAnswer } from '../core/response/resource-metadata.ts'

/** Answers a request for the metadata of a config. Returns `undefined` for every other request. Never throws. */
type MetadataSource<Args> = (request: Request, args: Args) => Response | undefined

const NO_RESOURCE =
  '"resource" is missing: give resourceMetadata the config of a guard that has one'

/** Makes the answers of a config. Throws `AuthConfigError` for a config object without a resource. */
export function createMetadataSource<Args extends readonly unknown[]>(
  source: AuthConfigSource<Args>,
): MetadataSource<Args> {
  const answer = typeof source === 'function' ? createLate(source) : constant(answerOf(source))
  return (request, args) => {
    const target = parseTarget(request.url)
    return target && answer(args)?.(request, target.path)
  }
}

/** Calls a config function until it has succeeded once. */
function createLate<Args extends readonly unknown[]>(
  make: (...args: Args) => unknown,
): (args: Args) => MetadataAnswer | undefined {
  const writeLine = createConsole()
  let answer: MetadataAnswer | undefined
  return (args) => {
    if (answer !== undefined) return answer
    let made: unknown
    try {
      made = make(...args)
      answer = answerOf(made)
    } catch (error) {
      reportConfigError(createChannel(observerOf(made), writeLine), error)
    }
    return answer
  }
}

function constant<Value>(value: Value): () => Value {
  return () => value
}

function answerOf(config: unknown): MetadataAnswer {
  const answer = createMetadataAnswer(resolveConfig(requireSynchronous(config)).resource)
  if (answer === undefined) throw new AuthConfigError('resource', NO_RESOURCE)
  return answer
}
