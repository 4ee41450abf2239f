import { readRecording } from './recording.ts'

interface Others {
  readonly versions: Readonly<
    Record<'hydra' | 'zitadel' | 'oauth2Proxy' | 'traefik' | 'caddy' | 'haproxy', string>
  >
}

const { versions } = readRecording<Others>('hydra-zitadel-oauth2-proxy')
const { versions: stack } = readRecording<{ versions: { 'llama-stack': string } }>('llama-stack')
const { of } = readRecording<{ of: string }>('route-policies')
const { keycloak } = readRecording<{ keycloak: string }>('keycloak')
const { version } = readRecording<{ version: string }>('kubernetes')

/** The servers that were recorded, with their versions. */
export const SERVERS = {
  llamaStack: `Llama Stack ${stack['llama-stack']}`,
  ogx: of.replace(/ \(.*/, ''),
  keycloak: `Keycloak ${keycloak}`,
  hydra: `Ory Hydra ${versions.hydra}`,
  zitadel: `zitadel/oidc ${versions.zitadel}`,
  kubernetes: `kube-apiserver ${version.replace('v', '')}`,
  oauth2Proxy: `oauth2-proxy ${versions.oauth2Proxy}`,
  traefik: `Traefik ${versions.traefik}`,
  caddy: `Caddy ${versions.caddy}`,
  haproxy: `HAProxy ${versions.haproxy}`,
} as const
