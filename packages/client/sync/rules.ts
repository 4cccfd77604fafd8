/**
 * Which paths are not synced on this device, and why.
 */

export type Refusal = { kind: 'excluded' | 'too-large' | 'too-young' | 'too-old'; message: string }

export type Rules = {
  /** Why a node at this path is not synced on this device; null when it is. `attributes` null: judge by the path alone. */
  refuse(
    path: string,
    kind: 'file' | 'folder' | 'symlink',
    attributes: { size: number; mtimeNs: bigint } | null,
    nowNs: bigint,
  ): Refusal | null
  /** A text that differs when any answer may differ. */
  readonly fingerprint: string
}

/** Everything is synced. */
export const noRules: Rules = { refuse: () => null, fingerprint: '' }
