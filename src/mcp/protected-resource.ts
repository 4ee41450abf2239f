import { warnOfAudience } from './audience.ts'
import { createMetadataAnswer, metadataLocation } from './metadata.ts'
import { parseResource } from './options.ts'
import { GuardedResource } from '../core/seams.ts'
import { judgeNeed } from '../needs/judge.ts'
import type { ResourceConfig } from './options.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type {
  DescribedVerifier,
  ForbiddenReason,
  Implies,
  ProtectedResource,
} from '../core/seams.ts'
import type { Auth } from '../core/types.ts'

/** @param path Leads to the options in messages, where they stand in a file. */
export function createResource(options: unknown, path: OptionPath = []): ProtectedResource {
  return new Resource(parseResource(options, path))
}

class Resource extends GuardedResource {
  readonly identifier: string
  readonly metadataUrl: string
  readonly require: readonly string[]
  readonly describe: () => Required<ResourceConfig>
  readonly #answer: ReturnType<typeof createMetadataAnswer>

  constructor(options: Required<ResourceConfig>) {
    super()
    this.identifier = options.identifier
    this.metadataUrl = metadataLocation(options.identifier).url
    this.require = options.require
    this.describe = () => options
    this.#answer = createMetadataAnswer(options)
    // Guards read it at each request: a later change must not lower what they require.
    Object.freeze(this)
  }

  answer(request: Request, path: string): Response | undefined {
    return this.#answer(request, path)
  }

  warnings(verifier: DescribedVerifier | undefined): readonly string[] {
    return warnOfAudience(this.identifier, verifier)
  }

  refusal(auth: Auth, implies: Implies): ForbiddenReason | undefined {
    return judgeNeed({ scopes: this.require }, auth, implies).refusal
  }
}
