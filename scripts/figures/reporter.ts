import { createSkipReporter } from '../../tests/support/skip-reporter.ts'
import { isRecording, writeFigures } from './write.js'
import type { ViteUserConfig } from 'vitest/config'
import type { Reporter } from 'vitest/node'

declare module 'vitest' {
  interface TaskMeta {
    /** The figures of a test, each under its name in `figures.json`. */
    figures?: Readonly<Record<string, object>>
    /** The figures are complete only if these test files ran, too: the ends of their paths. */
    figuresNeed?: readonly string[]
  }
}

/** A run that passes prints its summary only. With `WITH_AUTH_FIGURES=1` it writes its figures. */
export const recording: NonNullable<ViteUserConfig['test']> = isRecording
  ? { reporters: ['minimal', createSkipReporter(), createRecorder()] }
  : { reporters: ['minimal', createSkipReporter()] }

export function createRecorder(
  write: (reports: Record<string, object>) => void = writeFigures,
): Reporter {
  return {
    onTestRunEnd: (modules, errors) => {
      const tests = modules.flatMap((module) => [...module.children.allTests()])
      // A run that failed or skipped a test has no figures.
      if (errors.length > 0 || tests.some((test) => test.result().state !== 'passed')) return
      const played = modules.map(({ moduleId }) => moduleId)
      const metas = tests.map((test) => test.meta())
      const complete = metas.filter(({ figuresNeed = [] }) =>
        figuresNeed.every((file) => played.some((path) => path.endsWith(`/${file}`))),
      )
      const reports = Object.assign({}, ...complete.map(({ figures }) => figures ?? {}))
      if (Object.keys(reports).length > 0) write(reports)
    },
  }
}
