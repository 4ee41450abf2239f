import { Check } from './check.ts'
import { createQuestionBuilder, readHeaders } from './question.ts'
import { createToldEncoder } from './question-key.ts'
import type { ResolvedConfig } from '../config/parse.ts'
import type { Target } from './target.ts'

/** Makes the check of a request, or `undefined` if more would have to be told than an endpoint is told. */
export type CheckFactory = (
  token: string,
  request: Request,
  target: Target,
  args: readonly unknown[],
) => Check | undefined

/** What is told and what is the key come from the same context, so that neither can have what the other lacks. */
export function createCheckFactory(
  { context, identity }: ResolvedConfig,
  endpoint: string | undefined,
): CheckFactory {
  const encodeTold = createToldEncoder(context, [endpoint ?? 'verifier', identity])
  const buildQuestion = createQuestionBuilder(context)
  return (token, request, target, args) => {
    // Read once for both, where there are many. What is told by name is read when it is needed: a hit never asks.
    const all = context.headers === 'all' ? readHeaders(request.headers, 'all') : undefined
    const told = encodeTold(request, target, all)
    if (told === undefined) return undefined
    return new Check(token, told, () => buildQuestion(token, request, target, all), args)
  }
}
