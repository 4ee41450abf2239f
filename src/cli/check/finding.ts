/** Where something stands in the file. */
export interface Place {
  /** From 1. */
  readonly line: number
  /** Such as `server.auth.provider_config.issuer`. */
  readonly key: string
}

/** A sentence about one place of a file. `ok` is a fact, and asks for nothing. */
export interface Finding extends Place {
  readonly level: 'ok' | 'warning' | 'error'
  readonly says: string
  readonly change?: string | undefined
  /** Set for an error that may pass by itself: a service did not answer. */
  readonly isOutage?: true
}

type Make = (place: Place, says: string, change?: string) => Finding

function maker(level: Finding['level'], more: Pick<Finding, 'isOutage'> = {}): Make {
  return ({ line, key }, says, change) => {
    return { level, line, key, says, change, ...more }
  }
}

export const ok: Make = maker('ok')
export const warning: Make = maker('warning')
export const error: Make = maker('error')
export const outage: Make = maker('error', { isOutage: true })
