import { NodeSDK } from '@opentelemetry/sdk-node'

// Sends traces where OTEL_EXPORTER_OTLP_ENDPOINT says, by default to a Collector on this machine.
new NodeSDK({ serviceName: 'api' }).start()
