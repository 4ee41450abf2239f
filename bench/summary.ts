import type { Measured, Sample } from './measure.ts'
import type { Row } from './section.ts'

/** One row for each contestant: medians over the rounds, and the ratio to the first contestant in the same round. */
export function summarise(measured: readonly Measured[]): Row[] {
  const [first] = measured
  return first === undefined ? [] : measured.map((one) => summariseOne(one, first))
}

function summariseOne({ name, samples, residentBytes }: Measured, first: Measured): Row {
  const ratios = samples.map(
    ({ perSecond }, round) => perSecond / (first.samples[round]?.perSecond ?? Number.NaN),
  )
  const middle = (read: (sample: Sample) => number): number => median(samples.map(read))
  const cpu = lowestCpu(samples)
  return {
    name,
    perSecond: Math.round(middle(({ perSecond }) => perSecond)),
    ofFirst: short(median(ratios)),
    leastOfFirst: short(Math.min(...ratios)),
    mostOfFirst: short(Math.max(...ratios)),
    cpuMicroseconds: rounded(cpu, 1),
    cpuOfFirst: short(cpu / lowestCpu(first.samples)),
    p50Ms: rounded(middle(({ p50 }) => p50) / 1000, 2),
    p99Ms: rounded(middle(({ p99 }) => p99) / 1000, 2),
    callsPerRequest: rounded(
      middle(({ callsPerRequest }) => callsPerRequest),
      2,
    ),
    endpointLoad: rounded(
      middle(({ endpointLoad }) => endpointLoad),
      2,
    ),
    residentMiB: Math.round(residentBytes / 2 ** 20),
  }
}

/** Microseconds of CPU per request in the best round, since other processes can only add to it. */
export function lowestCpu(samples: readonly Sample[]): number {
  return Math.min(...samples.map(({ cpuMicroseconds }) => cpuMicroseconds))
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function short(ratio: number): number {
  return Number(ratio.toPrecision(4))
}
