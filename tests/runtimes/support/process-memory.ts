import { readFileSync } from 'node:fs'

export interface ProcessMemory {
  /** What the process has in memory, and the most that it ever had, in MB. */
  readonly now: number
  readonly peak: number
}

/** Asks Linux what a process has in memory. It keeps the peak itself, so that none is missed between two looks. */
export function readMemory(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return { now: readMegabytes(status, 'VmRSS'), peak: readMegabytes(status, 'VmHWM') }
}

function readMegabytes(status: string, name: string): number {
  const kilobytes = new RegExp(String.raw`^${name}:\s+(\d+) kB$`, 'm').exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`No ${name} in: ${status}`)
  return Math.round(Number(kilobytes) / 1024)
}
