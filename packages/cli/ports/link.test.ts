import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble } from '@anysync/protocol/errors.ts'
import {
  formatFingerprint,
  formatInvitationLink,
  formatServer,
  formatServerUrl,
  parseFingerprint,
  parseInvitationLink,
  parseServerLink,
} from './link.ts'

const invitation = new Uint8Array(32).map((_, i) => 255 - i)
const fingerprint = new Uint8Array(32).map((_, i) => i)
const i = invitation.toBase64({ alphabet: 'base64url', omitPadding: true })
const f = fingerprint.toBase64({ alphabet: 'base64url', omitPadding: true })
const hex = fingerprint.toHex()

test('links and addresses are read as people paste them', () => {
  const table: [text: string, host: string, port: number, hasInvitation: boolean, hasFingerprint: boolean][] = [
    [`https://nas.local:65065/join#i=${i}&f=${f}`, 'nas.local', 65065, true, true],
    [`https://nas.local:65065/join#f=${f}&i=${i}`, 'nas.local', 65065, true, true],
    [`https://nas.local:65065/#i=${i}`, 'nas.local', 65065, true, false],
    [`  https://nas.local:65065/join#i=${i}&f=${f}\n`, 'nas.local', 65065, true, true],
    [`HTTPS://NAS.Local:65065/join#i=${i}`, 'nas.local', 65065, true, false],
    ['https://192.168.1.5:65065', '192.168.1.5', 65065, false, false],
    ['https://[fe80::1]:65065/', 'fe80::1', 65065, false, false],
    ['https://cloud.example.org', 'cloud.example.org', 443, false, false],
    ['https://cloud.example.org:443/join', 'cloud.example.org', 443, false, false],
    ['nas.local', 'nas.local', 65065, false, false],
    ['nas.local:7000', 'nas.local', 7000, false, false],
    ['[::1]', '::1', 65065, false, false],
    ['https://büro.example', 'xn--bro-hoa.example', 443, false, false],
  ]
  for (const [text, host, port, hasInvitation, hasFingerprint] of table) {
    assert.deepEqual(
      parseServerLink(text),
      {
        server: { host, port },
        invitation: hasInvitation ? invitation : null,
        fingerprint: hasFingerprint ? fingerprint : null,
      },
      text,
    )
  }
})

test('what is wrong with a link is said, and the link is not repeated', () => {
  const table: [text: string, words: RegExp][] = [
    ['', /not a server address/],
    ['https://', /not a server address/],
    ['not a link', /not a server address/],
    ['https://nas.local:99999', /not a server address/],
    ['https://nas.local:0', /port/],
    [`http://nas.local:65065/join#i=${i}`, /https/],
    ['ftp://nas.local', /https/],
    ['https://ann:geheim@nas.local', /user name/],
    ['https://nas.local/?x=1', /"\?"/],
    ['https://nas.local/elsewhere', /\/join/],
    [`https://nas.local/join#i=${i.slice(1)}`, /damaged/],
    [`https://nas.local/join#i=${i}A`, /damaged/],
    [`https://nas.local/join#i=${i.slice(0, -1)}!`, /damaged/],
    [`https://nas.local/join#i=`, /damaged/],
    [`https://nas.local/join#i=${i}&f=`, /damaged/],
    [`https://nas.local/join#i=${i}&i=${i}`, /twice/],
    [`https://nas.local/join#i=${i}&x=1`, /newer/],
    [`https://nas.local/join#${i}`, /newer/],
  ]
  for (const [text, words] of table) {
    assert.throws(
      () => parseServerLink(text),
      (error: unknown) => {
        assert(isTrouble(error, 'invalid'), text)
        assert.match(error.message, words, text)
        assert(!error.message.includes('geheim') && !error.message.includes(i.slice(1, 20)), text)
        return true
      },
    )
  }
})

test('an invitation needs its secret', () => {
  assert.deepEqual(parseInvitationLink(`https://nas.local/join#i=${i}`).invitation, invitation)
  assert.throws(
    () => parseInvitationLink('https://nas.local:65065'),
    (error) => isTrouble(error, 'invalid'),
  )
})

test('what is formatted is read back', () => {
  for (const host of ['nas.local', '10.0.0.1', '::1', 'fd00::12:3']) {
    for (const port of [1, 443, 65065, 65535]) {
      const server = { host, port }
      assert.deepEqual(parseServerLink(formatServerUrl(server)).server, server)
      for (const pin of [fingerprint, null]) {
        const link = { server, invitation, fingerprint: pin }
        assert.deepEqual(parseInvitationLink(formatInvitationLink(link)), link)
      }
    }
  }
  assert.equal(formatServer({ host: '::1', port: 5 }), '[::1]:5')
  assert.equal(
    formatInvitationLink({ server: { host: 'nas.local', port: 65065 }, invitation, fingerprint }),
    `https://nas.local:65065/join#i=${i}&f=${f}`,
  )
})

test('a fingerprint is read in every usual spelling', () => {
  assert.equal(formatFingerprint(fingerprint), hex)
  const pairs = hex.match(/../g) ?? []
  for (const text of [hex, hex.toUpperCase(), pairs.join(':').toUpperCase(), ` ${pairs.join(' ')}\n`]) {
    assert.deepEqual(parseFingerprint(text), fingerprint)
  }
  for (const text of ['', hex.slice(1), `${hex}0`, hex.replace('0', 'g'), i]) {
    assert.throws(
      () => parseFingerprint(text),
      (error) => isTrouble(error, 'invalid'),
    )
  }
})
