/**
 * Golden vectors: files in `vectors/` that say what every format's bytes are, valid and invalid. Tests read them and,
 * where we make the bytes ourselves, also make them again from a fixed seed. `UPDATE_VECTORS=1` writes them: changing
 * one is changing the format.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'

const vectorUrl = (name: string): URL => new URL(`../../../vectors/${name}.json`, import.meta.url)

/** What a file of vectors holds. The caller knows its shape. */
export const readVectors = (name: string): unknown => JSON.parse(readFileSync(vectorUrl(name), 'utf8'))

/** Sees that a file holds exactly what is made now, and returns it. */
export const goldenVectors = <Vectors>(name: string, made: Vectors): Vectors => {
  if (process.env['UPDATE_VECTORS'] === '1') writeFileSync(vectorUrl(name), JSON.stringify(made, null, 2) + '\n')
  assert.deepEqual(made, readVectors(name))
  return made
}

/** Bytes of hex. */
export const hex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromHex(text)
