import { readdirSync, readFileSync } from 'node:fs'

/** The usage of a process and its descendants. */
export interface Usage {
  readonly cpuMicroseconds: number
  readonly residentBytes: number
}

export function readUsage(pid: number): Usage {
  const tree = processTree(pid)
  return {
    cpuMicroseconds: sum(tree.map(readCpu)),
    residentBytes: sum(tree.map(readResident)),
  }
}

function processTree(pid: number): number[] {
  const children = readThreads(pid).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  )
  return [pid, ...children.flatMap((child) => processTree(Number(child)))]
}

// schedstat has nanoseconds; /proc/<pid>/stat has only hundredths of a second.
function readCpu(pid: number): number {
  const times = readThreads(pid).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  )
  return sum(times) / 1000
}

function readResident(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
}

function readThreads(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
