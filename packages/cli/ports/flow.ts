/**
 * What all transfers of a process share: how fast packs may travel each way, and how many at once. Its limits may change
 * while packs are on their way.
 */
import { createGate, type Gate } from '@anysync/client/content/gate.ts'
import type { Clock } from '@anysync/client/ports.ts'
import { paceBytesPerSecondMin, packConnectionsMax } from '@anysync/protocol/limits.ts'
import { localMinute, rateAt, unlimited, type Rates } from '../settings/rates.ts'
import { createPace, type Pace } from './pace.ts'

export type FlowLimits = {
  uploadRates: Rates
  downloadRates: Rates
  /** Null: as many as is usual. */
  transfersMax: number | null
}

export type Flow = {
  readonly up: Pace
  readonly down: Pace
  /** Runs a transfer when it is its turn: so many run at once. */
  transfer<Result>(way: 'up' | 'down', run: () => Promise<Result>): Promise<Result>
  limits(): FlowLimits
  /** Other limits, from now on. */
  adjust(limits: FlowLimits): void
}

export const noLimits: FlowLimits = { uploadRates: unlimited, downloadRates: unlimited, transfersMax: null }

export const createFlow = (clock: Clock, minuteOf = localMinute): Flow => {
  let limits = noLimits
  const rateNow = (rates: Rates) => rateAt(rates, minuteOf(clock.nowNs()))
  const uploadRate = () => rateNow(limits.uploadRates)
  const transfersMax = () => limits.transfersMax ?? packConnectionsMax
  // Uploads share the rate, and a server hangs up on one that is too slow: then rather fewer at once.
  const uploadsMax = () => {
    const fitting = Math.floor((uploadRate() ?? Infinity) / paceBytesPerSecondMin)
    return Math.max(1, Math.min(fitting, transfersMax()))
  }
  const transfers = createGate(transfersMax)
  const uploads = createGate(uploadsMax)
  return {
    up: createPace(clock, uploadRate),
    down: createPace(clock, () => rateNow(limits.downloadRates)),
    transfer: (way, run) => {
      const runInTurn = () => inTurn(transfers, run)
      return way === 'up' ? inTurn(uploads, runInTurn) : runInTurn()
    },
    limits: () => limits,
    adjust: (changed) => void (limits = changed),
  }
}

const inTurn = async <Result>(gate: Gate, run: () => Promise<Result>): Promise<Result> => {
  await gate.enter()
  try {
    return await run()
  } finally {
    gate.leave()
  }
}
