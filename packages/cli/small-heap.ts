/**
 * What every program that syncs calls first: has V8 collect garbage as soon as the heap has doubled. By itself it lets it
 * grow several times over, for what a sync makes lives for seconds; and beside a sync a person works with other programs.
 * It limits nothing. Buffers count as heap, so with less than that a few packs on their way make V8 look through all of it.
 */
import { setFlagsFromString } from 'node:v8'

export const keepHeapSmall = (): void => setFlagsFromString('--heap-growing-percent=100')
