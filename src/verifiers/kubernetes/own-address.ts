import { processVariable } from '../../core/runtime.ts'
import { BASE_URL } from '../base-url.ts'
import type { FormOf } from '../../core/config/form.ts'

const NAME = 'https://kubernetes.default.svc'

/** The URL of the API server: by default that of the cluster that this process runs in. */
export const API_SERVER_URL: FormOf<string> = {
  ...BASE_URL,
  get default(): string {
    return addressOfPod() ?? NAME
  },
}

/** Whether a URL is an address at which a pod reaches the API server of its own cluster. */
export function isOwnAddress(url: string): boolean {
  const { origin } = new URL(url)
  const own = addressOfPod()
  return origin === NAME || (own !== undefined && origin === new URL(own).origin)
}

/** The address that Kubernetes tells each pod. */
function addressOfPod(): string | undefined {
  const host = variable('KUBERNETES_SERVICE_HOST')
  const port = variable('KUBERNETES_SERVICE_PORT')
  if (host === undefined || port === undefined) return undefined
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  return URL.canParse(url) ? url : undefined
}

/** A variable of the process, if there is one that may be read. */
export function variable(name: string): string | undefined {
  try {
    const value = processVariable(name)
    return typeof value === 'string' && value !== '' ? value : undefined
  } catch {
    // Deno throws for a variable that it has no permission to read.
    return undefined
  }
}
