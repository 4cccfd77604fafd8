/**
 * What every program that syncs calls first: has V8 collect garbage as soon as the heap has grown by half. By itself it
 * lets it grow several times over, for what a sync makes lives for seconds; and beside a sync a person works with other
 * programs. It limits nothing, and costs a few per cent of the time.
 */
import { setFlagsFromString } from 'node:v8'

export const keepHeapSmall = (): void => setFlagsFromString('--heap-growing-percent=50')
