/**
 * What is asked of the state database, in SQL: each statement is prepared once, and which index it goes by is said here.
 * Ids and contents are bytes there and hex here, on their way in as on their way out: to hand over bytes costs as much as
 * to look for a row.
 */
import type { StateDatabase } from './state-database.ts'
import { nodeColumns, placeColumns } from './state-rows.ts'

/** Every statement of the local state. */
export const prepareAll = (database: StateDatabase) => {
  const prepare = (sql: string) => database.prepare(sql)
  const nodes = (where: string) => database.prepareLists(`SELECT ${nodeColumns} FROM nodes ${where}`)
  return {
    // Another after every commit of another connection (sqlite.org/pragma.html#pragma_data_version).
    version: prepare('PRAGMA data_version'),
    links: prepare('SELECT * FROM links ORDER BY ref'),
    link: prepare('SELECT ref FROM links WHERE id = ?'),
    putLink: prepare(
      `INSERT INTO links (id, vault, root, mode) VALUES (?, unhex(?), ?, ?)
       ON CONFLICT (id) DO UPDATE SET vault = excluded.vault, root = excluded.root, mode = excluded.mode`,
    ),
    removeLink: prepare('DELETE FROM links WHERE id = ?'),

    node: nodes('WHERE link = ? AND id = unhex(?)'),
    highestNode: prepare('SELECT lower(hex(id)) AS id FROM nodes WHERE link = ? ORDER BY nodes.id DESC LIMIT 1'),
    // The root folder is its own parent's child to nobody.
    children: nodes('INDEXED BY nodes_by_place WHERE link = ?1 AND parent = unhex(?2) AND id <> unhex(?2)'),
    childrenNamed: nodes('INDEXED BY nodes_by_place WHERE link = ? AND parent = unhex(?) AND name = ?'),
    nodeByInode: nodes('INDEXED BY nodes_by_inode WHERE link = ? AND disk_inode = ? AND disk_device = ? LIMIT 1'),
    absentNodes: nodes(
      `INDEXED BY nodes_absent WHERE link = ? AND absence_kind = ? AND id > unhex(?)
       AND disk_kind IS NULL AND absence_kind <> 'folder' ORDER BY id LIMIT ?`,
    ),
    // A row that is replaced is taken out of each index and put in again; one that is updated costs half of that.
    putNode: prepare(
      `INSERT INTO nodes VALUES (?, unhex(?), unhex(?), ?, ?, ?, ?, ?, unhex(?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (link, id) DO UPDATE SET parent = excluded.parent, name = excluded.name, kind = excluded.kind,
         mode = excluded.mode, mtime_ns = excluded.mtime_ns, size = excluded.size, content = excluded.content,
         link_target = excluded.link_target, absence = excluded.absence, disk_kind = excluded.disk_kind,
         disk_size = excluded.disk_size, disk_mode = excluded.disk_mode, disk_mtime_ns = excluded.disk_mtime_ns,
         disk_ctime_ns = excluded.disk_ctime_ns, disk_device = excluded.disk_device, disk_inode = excluded.disk_inode,
         absence_kind = excluded.absence_kind`,
    ),
    removeNode: prepare('DELETE FROM nodes WHERE link = ? AND id = unhex(?)'),
    totals: prepare(
      `SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes FROM nodes WHERE link = ? AND kind = 'file'`,
    ),

    hasListings: prepare('SELECT 1 FROM listings WHERE link = ? LIMIT 1'),
    listing: prepare(
      'SELECT lower(hex(hash)) AS hash, lower(hex(folders)) AS folders FROM listings WHERE link = ? AND folder = unhex(?)',
    ),
    putListing: prepare('INSERT OR REPLACE INTO listings VALUES (?, unhex(?), unhex(?), unhex(?))'),
    removeListing: prepare('DELETE FROM listings WHERE link = ? AND folder = unhex(?)'),

    fact: prepare('SELECT value FROM facts WHERE scope = ? AND name = ?'),
    putFact: prepare('INSERT OR REPLACE INTO facts VALUES (?, ?, ?)'),
    removeFact: prepare('DELETE FROM facts WHERE scope = ? AND name = ?'),
    removeFacts: prepare('DELETE FROM facts WHERE scope = ?'),

    addAction: prepare('INSERT INTO actions (link, time_ns, path, what, why) VALUES (?, ?, ?, ?, ?)'),
    removeOldActions: prepare(
      `DELETE FROM actions WHERE link = ?1
       AND ref <= (SELECT ref FROM actions WHERE link = ?1 ORDER BY ref DESC LIMIT 1 OFFSET ?2)`,
    ),
    actions: prepare(
      `SELECT * FROM actions WHERE link = ?1
       AND (?2 IS NULL OR path = ?2 OR substr(path, 1, length(?2) + 1) = ?2 || '/') ORDER BY ref DESC LIMIT ?3`,
    ),

    vault: prepare('SELECT ref FROM vaults WHERE id = unhex(?)'),
    putVault: prepare('INSERT INTO vaults (id) VALUES (unhex(?))'),
    head: prepare('SELECT sequence, hash FROM records WHERE vault = ? ORDER BY sequence DESC LIMIT 1'),
    putRecord: prepare('INSERT INTO records VALUES (?, ?, unhex(?), ?)'),
    records: prepare('SELECT * FROM records WHERE vault = ? AND sequence BETWEEN ? AND ? ORDER BY sequence LIMIT ?'),

    removeRecordsAfter: prepare('DELETE FROM records WHERE vault = ? AND sequence > ?'),

    putSnapshot: prepare('INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)'),
    removeSnapshot: prepare('DELETE FROM snapshots WHERE vault = ? AND sequence = ?'),
    snapshots: prepare('SELECT * FROM snapshots WHERE vault = ? AND sequence BETWEEN ? AND ? ORDER BY sequence'),
    newestSnapshot: prepare('SELECT snapshot FROM snapshots WHERE vault = ? ORDER BY sequence DESC LIMIT 1'),

    packIds: prepare('SELECT id FROM packs WHERE vault = ? ORDER BY ref'),
    pack: prepare('SELECT ref, directory FROM packs WHERE vault = ? AND id = unhex(?)'),
    putPack: prepare('INSERT INTO packs (vault, id, directory, is_pending) VALUES (?, unhex(?), ?, ?) RETURNING ref'),
    settlePack: prepare('UPDATE packs SET is_pending = 0 WHERE ref = ?'),
    removePack: prepare('DELETE FROM packs WHERE ref = ?'),
    pendingPacks: prepare('SELECT directory FROM packs WHERE vault = ? AND is_pending = 1 ORDER BY ref'),
    putChunk: prepare('INSERT OR IGNORE INTO chunks VALUES (?, unhex(?), ?, ?, ?, ?, ?, ?, ?, ?)'),
    // What a record brought before what is pending: the server keeps the former. Columns beside min() are of the row that
    // has it (sqlite.org/lang_select.html#bareagg), which spares each chunk a sort; without a row it is null.
    findChunk: database.prepareLists(
      `SELECT ${placeColumns}, min(packs.is_pending << 62 | packs.ref) FROM chunks JOIN packs ON packs.ref = chunks.pack
       WHERE chunks.vault = ? AND chunks.id = unhex(?)`,
    ),
    hasChunk: prepare('SELECT 1 FROM chunks WHERE vault = ? AND id = unhex(?) LIMIT 1'),
    removeChunk: prepare('DELETE FROM chunks WHERE vault = ? AND id = unhex(?) AND pack = ?'),
    countChunks: prepare('SELECT count(DISTINCT id) AS count FROM chunks WHERE vault = ?'),

    cacheTotal: prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM cache'),
    cached: prepare('SELECT plaintext FROM cache WHERE vault = ? AND id = unhex(?)'),
    isCached: prepare('SELECT 1 FROM cache WHERE vault = ? AND id = unhex(?)'),
    putCached: prepare('INSERT INTO cache (vault, id, bytes, plaintext) VALUES (?, unhex(?), ?, ?)'),
    removeOldestCached: prepare('DELETE FROM cache WHERE ref = (SELECT min(ref) FROM cache) RETURNING bytes'),
  }
}
