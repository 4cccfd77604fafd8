/**
 * Published vectors of the primitives that are small enough to be read here.
 */
import { concatBytes, utf8 } from '../crypto/bytes.ts'
import { hex } from '../crypto/golden.suite.ts'

/** FIPS 180-4, as in NIST's "SHA Test Vectors"; the empty message comes first. */
export const sha256Vectors = [
  { message: utf8(''), output: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
  { message: utf8('abc'), output: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  {
    message: utf8('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    output: '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  },
  { message: utf8('a'.repeat(1e6)), output: 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0' },
]

/** RFC 4231, section 4: test cases 1 to 4, 6 and 7. */
export const hmacVectors = [
  {
    key: hex('0b'.repeat(20)),
    message: utf8('Hi There'),
    output: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  },
  {
    key: utf8('Jefe'),
    message: utf8('what do ya want for nothing?'),
    output: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    key: hex('aa'.repeat(20)),
    message: hex('dd'.repeat(50)),
    output: '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
  },
  {
    key: hex('0102030405060708090a0b0c0d0e0f10111213141516171819'),
    message: hex('cd'.repeat(50)),
    output: '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
  },
  {
    key: hex('aa'.repeat(131)),
    message: utf8('Test Using Larger Than Block-Size Key - Hash Key First'),
    output: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  },
  {
    key: hex('aa'.repeat(131)),
    message: utf8(
      'This is a test using a larger than block-size key and a larger than block-size data. ' +
        'The key needs to be hashed before being used by the HMAC algorithm.',
    ),
    output: '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
  },
]

const gcmKey = 'feffe9928665731c6d6a8f9467308308'.repeat(2)
const gcmPlaintext =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
  '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255'
const gcmCiphertext =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
  '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad'

const gcmVector = (
  key: string,
  nonce: string,
  plaintext: string,
  associated: string,
  ciphertext: string,
  tag: string,
) => ({
  key: hex(key),
  nonce: hex(nonce),
  plaintext: hex(plaintext),
  associated: hex(associated),
  sealed: concatBytes(hex(ciphertext), hex(tag)),
})

/** McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: test cases 13 to 16, which SP 800-38D cites. */
export const gcmVectors = [
  gcmVector('00'.repeat(32), '00'.repeat(12), '', '', '', '530f8afbc74536b9a963b4f1c4cb738b'),
  gcmVector(
    '00'.repeat(32),
    '00'.repeat(12),
    '00'.repeat(16),
    '',
    'cea7403d4d606b6e074ec5d3baf39d18',
    'd0d1c8a799996bf0265b98b5d48ab919',
  ),
  gcmVector(gcmKey, 'cafebabefacedbaddecaf888', gcmPlaintext, '', gcmCiphertext, 'b094dac5d93471bdec1a502270e3cc6c'),
  gcmVector(
    gcmKey,
    'cafebabefacedbaddecaf888',
    gcmPlaintext.slice(0, 120),
    'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    gcmCiphertext.slice(0, 120),
    '76fc6ece0f4e1768cddf8853bb2d551b',
  ),
]
