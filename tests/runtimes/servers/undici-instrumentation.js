// Loaded before a program: the SDK with one instrumentation, which the environment names.
import { NodeSDK } from '@opentelemetry/sdk-node'
import process from 'node:process'

const { UndiciInstrumentation } = await import(process.env.INSTRUMENTATION)
new NodeSDK({ serviceName: 'api', instrumentations: [new UndiciInstrumentation()] }).start()
