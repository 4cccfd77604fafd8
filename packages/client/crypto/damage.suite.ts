/**
 * What the tests of formats share: bytes that are nearly right.
 */
import * as fc from 'fast-check'

/** One of these byte strings with parts of it cut out and others put in; sometimes as it was. */
export const damaged = (...originals: Uint8Array[]): fc.Arbitrary<Uint8Array> => {
  const spot = fc.record({
    at: fc.nat(200),
    removed: fc.nat(3),
    put: fc.oneof(fc.uint8Array({ maxLength: 3 }), fc.constantFrom(Uint8Array.of(0x80, 0), Uint8Array.of(0x0a, 0))),
  })
  return fc.tuple(fc.constantFrom(...originals), fc.array(spot, { maxLength: 2 })).map(([bytes, spots]) =>
    spots.reduce<Uint8Array>((damaged, { at, removed, put }) => {
      const start = at % (damaged.length + 1)
      return Uint8Array.of(...damaged.subarray(0, start), ...put, ...damaged.subarray(start + removed))
    }, bytes),
  )
}
