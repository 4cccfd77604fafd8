/**
 * All attacks, in an order in which one stage bears them: the laptop stays as it was through the first, takes verified parts
 * in between, and has gone back with the server after the last.
 */
import { historyAttacks } from './history-attacks.ts'
import { alikeFailures, incarnationAttack, keyAttacks } from './key-attacks.ts'
import { fileAttack, packAttacks, twinAttack } from './pack-attacks.ts'
import { recordAttacks } from './record-attacks.ts'
import type { Attack } from './stage.ts'
import { writerAttacks } from './writer-attacks.ts'

export const attacks: Attack[] = [
  ...keyAttacks,
  { name: 'failures of a login look alike from outside', play: alikeFailures },
  ...recordAttacks,
  ...packAttacks,
  twinAttack,
  fileAttack,
  ...writerAttacks,
  incarnationAttack,
  ...historyAttacks,
]
