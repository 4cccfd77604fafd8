/**
 * Every limit of the system in one place: what a reader accepts and what a writer aims for.
 * Changing a format limit is changing the format; docs/design.md says which are.
 */

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

/** The port that the server listens on unless told otherwise. */
export const serverPort = 65065

/** Ids and keys, in bytes. */
export const idBytes = 16
export const keyBytes = 32
export const hashBytes = 32
export const signatureBytes = 64
export const tokenBytes = 32

/** Accounts. */
export const emailBytesMax = 254
export const deviceNameBytesMax = 64
export const clientVersionBytesMax = 64
export const masterKeysBytesMax = 16 * KiB
export const masterKeysSlotsMax = 8
export const accessKeysBytesMax = 64 * KiB
export const grantBytesMax = 4 * KiB
export const vaultNameBytesMax = 255
export const challengeBytesMax = 256
export const challengeMsMax = 60_000
export const invitationMsDefault = 7 * 24 * 3600_000
/** Of a new password, after NFKC, in code points. */
export const passwordCharactersMin = 8

/** scrypt (RFC 7914): a reader refuses less than the floor before it derives, and more than the ceiling. */
export const scryptFloor = { n: 16_384, r: 8, p: 1 } as const
export const scryptCeiling = { n: 1_048_576, r: 8, p: 4 } as const
export const scryptStrong = { n: 131_072, r: 8, p: 1 } as const
export const saltBytes = 16

/** Cutting data and trees, in bytes. */
export const dataCut = { min: 256 * KiB, average: 1 * MiB, max: 4 * MiB } as const
export const treeCut = { min: 16 * KiB, average: 64 * KiB, max: 256 * KiB } as const

/** A chunk is never longer than this, whatever it holds. */
export const chunkBytesMax = 4 * MiB
/** Chunks gather in a segment until it holds this much; a chunk of `segmentAloneBytes` is a segment of its own. */
export const segmentBytesTarget = 512 * KiB
export const segmentAloneBytes = 256 * KiB
export const segmentPlainBytesMax = 4 * MiB
export const segmentChunksMax = 65_536
/** A segment is stored compressed only when that saves at least this share. */
export const compressionGainMin = 0.03
export const compressionLevel = 3
/** Large data is stored as it is unless bytes from so many places of it shrink: by their spread (bits a byte), or in a trial. */
export const compressionTrialSamples = 8
export const compressionLookBytes = 8 * KiB
export const compressionLookEntropyMax = 7
export const compressionTrialBytes = 64 * KiB
/** A writer closes a segment at so many chunks, so that tiny files do not make a directory large. */
export const segmentChunksTarget = 8192

/** Packs. */
export const packBytesTarget = 8 * MiB
export const packBytesMax = 64 * MiB
export const packSegmentsMax = 65_536
export const directoryBytesMax = 16 * MiB
/** A writer closes a pack when its directory reaches this, so that it fits in an index chunk. */
export const directoryBytesTarget = 2 * MiB
/** Packs that a writer stores at the same time, unless a person says otherwise. */
export const storingPacksMax = 2

/** Reading, in bytes: one fetch, the gap that a fetch may bridge, and what a reader holds fetched and opened. */
export const fetchBytesMax = 8 * MiB
export const fetchGapBytesMax = 256 * KiB
export const fetchedBytesMax = 32 * MiB
export const openedBytesMax = 16 * MiB
/** Fetches at the same time (unless a person says otherwise), chunks that a stream reads ahead, and segments that a hint may name. */
export const fetchesMax = 4
export const readAheadChunks = 4
export const expectedSegmentsMax = 65_536

/** A large source is read through windows of so many bytes, and what the one before left. */
export const windowBytes = 3 * MiB

/** Threads that work on content: so many, none for fewer bytes in all, and none for fewer than `threadBytesMin` at once. */
export const threadsMax = 8
export const threadWorthBytes = 8 * MiB
export const threadBytesMin = 64 * KiB

/** Content: a list of more than this many chunk ids becomes a list-chunk. */
export const contentChunksMax = 1000
export const contentDepthMax = 3
export const listChunkBytesMax = 256 * KiB

/** Trees. */
export const nameBytesMax = 255
export const linkTargetBytesMax = 4095
export const treeDepthMax = 1024
export const treeBytesMax = 256 * MiB
export const treeNodesMax = 1_000_000

/** The log. */
export const recordBytesMax = 1 * MiB
export const inlineDirectoriesBytesMax = 64 * KiB
export const appendPacksMax = 4096
export const existingPacksMax = 1024
/** Of one vault, as far as a server is believed: 32 TB of usual packs. */
export const vaultPacksMax = 4_000_000

/** A push is made durable and visible at the latest after so much. */
export const commitBytesMax = 1 * GiB
export const commitNodesMax = 10_000
export const commitMsMax = 10_000

/** Deletions of more than this in one turn wait for a person: so many files, or this share of at least so many. */
export const deletionFilesMax = 1000
export const deletionShareMax = 0.5
export const deletionShareFilesMin = 10

/**
 * Scrambled files: more than so many within the window wait for a person, or this share of at least so many. What is
 * shorter than the sample's minimum cannot be told from anything; see docs/design.md for the rest.
 */
export const scrambledFilesMax = 100
export const scrambledShareMax = 0.1
export const scrambledShareFilesMin = 20
export const scrambledMsWindow = 3_600_000
export const scrambledSampleBytes = 16 * KiB
export const scrambledSampleBytesMin = 512
/** Of 8 bits a byte: compressed and encrypted bytes have more than 7.9, everything else that people keep less than 7.5. */
export const scrambledEntropyMin = 7.7
/** A file without a known extension was recognisable when no more than this share of its segment had to be stored. */
export const scrambledSharedRatioMax = 0.5

/** A turn that keeps losing races gives up after so many rounds and says so. */
export const turnRoundsMax = 20

/**
 * A round takes up so many changes, here and at the head, which are carried out before the turn goes on: a first push, and
 * a first pull, must fit in memory. With those of the folder at which the scan stops they are one commit.
 */
export const roundChangesMax = 4_000
/** A turn over more folders than this looks at everything instead. */
export const scopeFoldersMax = 1000
/** When more than this is missing from the folders that were looked at, everything is looked at before it counts as deleted. */
export const scopedGoneMax = 100
/** Paths with trouble that are remembered from turn to turn. */
export const standingTroublesMax = 10_000

/** Files of up to `segmentAloneBytes` are read and named together: so many at once, of so many bytes. */
export const filesTogetherMax = 256
export const filesTogetherBytesMax = 2 * MiB

/** Chunks of trees are gathered before they are written there: so many, of so many bytes. */
export const treeCacheChunksMax = 256
export const treeCacheBytesMax = 2 * MiB
/** The local state keeps opened chunks of trees up to this much; and a process, so many rows of each linked folder. */
export const stateCacheBytesMax = 64 * MiB
export const stateRowsMax = 8_192
/** The local state remembers so many actions of each linked folder, and forgets the oldest. */
export const actionsMax = 10_000
/** How long the local state database waits for another program to let go of it. */
export const stateBusyMsMax = 5000

/** What one caller may ask of the server. */
export const rpcBytesMax = 2 * MiB
export const vaultsPerAccountMax = 1000
export const devicesPerAccountMax = 1000
export const invitationsOpenMax = 1000
export const watchesPerAccountMax = 64
export const watchAliveMs = 30_000
export const uploadsAtOnceMax = 64
export const uploadsPerAccountMax = 32
export const connectionsMax = 2048
/** So that one caller alone, who need not even have an account, cannot keep all others out. */
export const connectionsPerAddressMax = 512
export const challengesSpentMax = 100_000
export const recordsPageMax = 16

/** How long the server waits for a slow client: for headers, in silence, and for a body at the slowest rate it accepts. */
export const headersMsMax = 15_000
export const silenceMsMax = 90_000
export const bodyMsBase = 60_000
export const bodyBytesPerMsMin = 8
/** How long a device that lost the race for a log goes before the others: doubled with each race lost in a row. */
export const precedenceMsMin = 2_000
export const precedenceMsMax = 8_000
/** A stopping server lets calls in flight finish for so long. */
export const drainMsMax = 10_000

/** Talking to the server, in milliseconds: to connect, one call, and silence within a transfer or a stream. */
export const connectMsMax = 10_000
export const callMsMax = 60_000
export const packIdleMsMax = 60_000
export const streamIdleMsMax = 75_000
/** A connection that was silent for so long is asked for a sign of life, and given up when none comes. */
export const pingMsInterval = 30_000
export const pingMsMax = 15_000
/** What is `unavailable` is tried again so often, after growing waits. */
export const retriesMax = 4
export const retryDelayMsMin = 200
export const retryDelayMsMax = 5_000
/** Packs travel on so many connections at once, in pieces of so many bytes; and on so many at most, when a person asks. */
export const packConnectionsMax = 4
export const transfersMaxCeiling = 16
export const packPieceBytes = 256 * KiB
/** The slowest rate that a person may ask for, and so the slowest of one upload: twice what a server waits for. */
export const paceBytesPerSecondMin = 2 * 1000 * bodyBytesPerMsMin
/** Paced packs travel in slices of this time and size, and may save up so much time while nothing travels. */
export const paceSliceMs = 100
export const paceSliceBytesMin = 4 * KiB
export const paceBurstMs = 200
/** A change of the rate is seen at the latest after so long. */
export const paceLookMs = 1000
/** The most of an answer that is read: of a call, and of an error that came instead of a pack. */
export const answerBytesMax = 16 * MiB
export const errorAnswerBytesMax = 16 * KiB
/** The most of a message from the server that is shown to a person. */
export const messageLengthMax = 400

/** Records: devices, nodes and a text that a snapshot names; what one forgets, retires, rescues, and why. */
export const deviceHeadsMax = 4096
export const touchedIdsMax = 120
export const snapshotLabelBytesMax = 255
export const forgetSequencesMax = 65_536
export const retiredPacksMax = 4096
export const rescueSnapshotsMax = 1024
export const ruleBytesMax = 1024

/** Following: how long a folder must be quiet before it is looked at: after a lone change, in a series of them, and at most. */
export const settleMs = 50
export const quietMs = 200
export const quietMsMax = 5_000
/** How often everything is looked at; and how often while some of it is not watched, or does not settle. */
export const fullScanMs = 3_600_000
export const unwatchedScanMs = 300_000
/** How often a watcher must prove that it still tells of changes, and within what time. */
export const probeMs = 180_000
export const probeMsMax = 5_000
/** Changes told at once of which some may not have been told: half of what Linux keeps for a program that is busy. */
export const watchBurstMax = 8192
/** A file that was busy is looked at again after this, doubled each time up to `retryMsMax`. */
export const recheckMsMin = 500
/** The shortest time between two full looks that a person may ask for. */
export const fullScanMsMin = 60_000
/** How often it is looked for what a person decided meanwhile: deletions confirmed, another time between full looks. */
export const decisionsMs = 2_000
/** Waiting for a server that cannot be reached: doubled each time, with chance. */
export const retryMsMin = 1_000
export const retryMsMax = 60_000

/** The most of an `.anysyncignore`, and of the client's settings, that is read. */
export const ignoreBytesMax = 1 * MiB
export const settingsBytesMax = 1 * MiB

/** Records that are verified are kept at the latest after so many. */
export const recordsStoredAtOnce = 64

/** The daemon and the commands that ask it: lines in bytes, and times. */
export const daemonRequestBytesMax = 64 * KiB
export const daemonAnswerBytesMax = 64 * MiB
export const daemonConnectionsMax = 64
/** While it works on an answer it shows every so often that it lives, and is given up after so much silence. */
export const daemonAliveMs = 1_000
export const daemonSilenceMsMax = 10_000
/** A stopping daemon lets the running turn finish for so long. */
export const daemonDrainMsMax = 10_000
export const daemonStartMsMax = 60_000
/** It looks every so often whether its home is still there. */
export const daemonHomeMs = 5_000
/** Of the path of its socket; systems end at 104 to 108. */
export const socketPathBytesMax = 100
/** Its log begins anew at so many bytes; the one before is kept. */
export const clientLogBytesMax = 4 * MiB

/** Pruning: less of a pack than this must be needed for it to be rewritten; what one record copies and names at most. */
export const pruneLiveShareMin = 0.5
export const pruneBytesMax = 256 * MiB
export const prunePacksMax = 1024
/** A checkpoint is written when so many records followed the last one, or after a prune that retired something. */
export const checkpointRecordsMin = 1000
/** The daemon applies the rules of what is kept so often, and up to so much later, so that devices differ. */
export const retentionMsEvery = 7 * 24 * 3_600_000
export const retentionMsSpread = 24 * 3_600_000
/** How long the server keeps packs that no record needs. */
export const holdMsMin = 24 * 3_600_000
export const holdMsDefault = 30 * 24 * 3_600_000
/** Clocks of device and server that differ by more are told as trouble. */
export const clockSkewMsMax = 60_000
/** A daily proof: of the packs so many, of the bytes at most so many unless a person says otherwise. */
export const proofShare = 0.01
export const proofBytesMax = 64_000_000
/** So often; later by a share of the second, so that not all devices come at once; and not at once after a start. */
export const proofMs = 24 * 3_600_000
export const proofJitterMs = 2 * 3_600_000
export const proofStartMs = 600_000
/** How often is looked whether one is due, and how long one that failed to ask the server waits. */
export const proofLookMs = 300_000
export const proofRetryMs = 3_600_000
