import { NUMBER } from './row.ts'

export const TOKEN = 'Authorization: Bearer good'

/** Each character is one byte. */
export function raw(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** A GET request as a client would send it, plus the header lines of the attack. */
export function get(target: string, ...lines: readonly string[]): Buffer {
  return send('GET', target, ...lines)
}

export function send(method: string, target: string, ...lines: readonly string[]): Buffer {
  return sendTo('h.test', method, target, ...lines)
}

export function sendTo(
  host: string,
  method: string,
  target: string,
  ...lines: readonly string[]
): Buffer {
  return head(`${method} ${target} HTTP/1.1`, `Host: ${host}`, `X-Variant: ${NUMBER}`, ...lines)
}

/** Any lines, then the end of the head. */
export function head(...lines: readonly string[]): Buffer {
  return raw([...lines, 'Connection: close', '', ''].join('\r\n'))
}
