import { readFileSync } from 'node:fs'

/** The memory of a process now, and its peak, in MB, from Linux. */
export function readMemory(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return { now: readMegabytes(status, 'VmRSS'), peak: readMegabytes(status, 'VmHWM') }
}

function readMegabytes(status: string, name: string): number {
  const kilobytes = new RegExp(String.raw`^${name}:\s+(\d+) kB$`, 'm').exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`No ${name} in: ${status}`)
  return Math.round(Number(kilobytes) / 1024)
}
