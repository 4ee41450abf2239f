import { runHistories } from '../../nightly/histories/runs.ts'

/** Plays histories inside the runtime that serves it: `/?count=500&seed=1`. */
export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url)
    const count = Number(searchParams.get('count'))
    return Response.json(await runHistories(count, Number(searchParams.get('seed'))))
  },
}
