import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import app from './app.js'

const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks')
const storage = new AsyncLocalStorage()
context.setGlobalContextManager({
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (active, call, self, ...args) => storage.run(active, () => call.apply(self, args)),
  bind: (active, call) => storage.run(active, () => AsyncLocalStorage.bind(call)),
})
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
const url = `${process.env.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`
const spans = new SimpleSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [spans] }))

export default {
  async fetch(request, env, ctx) {
    const response = await app.fetch(request, env, ctx)
    ctx.waitUntil(spans.forceFlush())
    return response
  },
}
