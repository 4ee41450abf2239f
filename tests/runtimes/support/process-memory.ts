import { readFileSync } from 'node:fs'

export interface ProcessMemory {
  /** The memory of the process now, and its peak, in MB. */
  readonly now: number
  readonly peak: number
}

/** Reads the memory of a process from Linux, which records the peak itself. */
export function readMemory(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return { now: readMegabytes(status, 'VmRSS'), peak: readMegabytes(status, 'VmHWM') }
}

function readMegabytes(status: string, name: string): number {
  const kilobytes = new RegExp(String.raw`^${name}:\s+(\d+) kB$`, 'm').exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`No ${name} in: ${status}`)
  return Math.round(Number(kilobytes) / 1024)
}
